/// What an attack was, for the record.
package struct AttackDescription: Sendable, Hashable, Codable {
    package var name: String
    package var threat: ThreatModel
    /// Every setting by name, as text.
    package var settings: [String: String]
    /// What differs from the attack as published because of the model, in words; empty for the standard attack.
    package var deviations: [String]

    package init(name: String, threat: ThreatModel, settings: [String: String], deviations: [String] = []) {
        self.name = name
        self.threat = threat
        self.settings = settings
        self.deviations = deviations
    }

    package var isStandard: Bool { deviations.isEmpty }
}

/// What an attack says it did to one image. Nobody should count it before verifying it.
package struct AttackClaim: Sendable, Hashable, Codable {
    /// Which form of the attack worked on the image.
    package enum Variant: String, Sendable, Hashable, Codable {
        /// As published; its formulas restricted to the pixels that may move if there is a mask.
        case standard
        /// Square on a masked image: every window meets the mask, its side follows from the number of pixels that may move,
        /// and the last row and column belong to the game.
        case masked
        /// Not attacked: no pixel may move, or the image was misclassified as it was.
        case none
    }

    /// Whether the image it returns is misclassified.
    package var succeeded = false
    /// Images of which it asked for logits only.
    package var forwardQueries = 0
    /// Images of which it asked for logits and a gradient.
    package var gradientQueries = 0
    /// Iterations of the attack, over all targets and restarts.
    package var iterations = 0
    /// The class that the successful run aimed at; nil without success or target.
    package var target: Int?
    /// The size of the smallest perturbation found that changes the class, inside the ball or not: FAB's measure.
    package var boundaryDistance: Float?
    /// Whether the gradient at a starting point was zero in all values that may move: a sign of masked gradients.
    package var hasZeroGradient = false
    package var variant = Variant.standard

    package init() {}

    /// Images that the model was shown.
    package var queries: Int { forwardQueries + gradientQueries }
}
