import Attacks

/// Attacks of the literature, as the tests ask for them.
extension AttackSettings {
    /// Projected gradient descent on the negative loss, from a random start (Madry et al., ICLR 2018).
    static func pgd(_ threat: ThreatModel, stepSize: Float, steps: Int) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: stepSize, steps: steps)
    }

    /// The fast gradient sign method (Goodfellow et al., ICLR 2015): one step from the image to the ball's surface.
    static func fgsm(_ threat: ThreatModel) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: threat.epsilon, steps: 1, randomStart: false)
    }

    /// FGSM with random start (Wong et al., ICLR 2020), whose step is 1.25 ε.
    static func fgsmWithRandomStart(_ threat: ThreatModel) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: 1.25 * threat.epsilon, steps: 1)
    }
}
