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

    /// The same attack in a ball of `share` times the radius, its steps as much shorter.
    package func scaled(by share: Float) -> AttackSettings {
        var result = self
        result.threat.epsilon *= share
        result.threat.epsilonSalient *= share
        result.stepSize *= share
        return result
    }
}
