/// An attack: values of the one ascent loop.
package struct AttackSettings: Sendable, Hashable, Codable {
    /// When the mask acts.
    package enum MaskTime: String, Sendable, Hashable, Codable, CaseIterable {
        /// Every step projects onto the masked ball.
        case everyStep = "every-step"
        /// The attack ignores the mask; the finished perturbation is multiplied by it.
        case final
    }

    package var threat: ThreatModel
    /// Length of a step, in units of pixel values.
    package var stepSize: Float
    package var steps: Int
    /// Begin at a uniformly random point of the ball instead of at the image.
    package var randomStart: Bool
    /// Descend towards the labels given instead of ascending away from them.
    package var targeted: Bool
    package var maskTime: MaskTime

    package init(
        threat: ThreatModel, stepSize: Float, steps: Int, randomStart: Bool = true, targeted: Bool = false,
        maskTime: MaskTime = .everyStep
    ) {
        self.threat = threat
        self.stepSize = stepSize
        self.steps = steps
        self.randomStart = randomStart
        self.targeted = targeted
        self.maskTime = maskTime
    }

    /// Projected gradient descent on the negative loss, from a random start (Madry et al., ICLR 2018).
    package static func pgd(_ threat: ThreatModel, stepSize: Float, steps: Int) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: stepSize, steps: steps)
    }

    /// The fast gradient sign method (Goodfellow et al., ICLR 2015): one step from the image to the ball's surface.
    package static func fgsm(_ threat: ThreatModel) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: threat.epsilon, steps: 1, randomStart: false)
    }

    /// FGSM with random start (Wong et al., ICLR 2020), whose step is 1.25 ε.
    package static func fgsmWithRandomStart(_ threat: ThreatModel) -> AttackSettings {
        AttackSettings(threat: threat, stepSize: 1.25 * threat.epsilon, steps: 1)
    }
}
