import Recipes

/// One way of training that a pilot compares.
package enum PilotMethod: String, Sendable, Hashable, Codable, CaseIterable {
    case natural
    /// Adversarial training at the plan's radius, at half and at a quarter of it.
    case at
    case atHalf = "at-half"
    case atQuarter = "at-quarter"
    case sipAT = "sip-at"
    /// SIP-AT with each image protected by another image's map: as much of it, in places that say nothing of it.
    case shuffled = "sip-shuffled"
    /// SIP-AT with the middle of each image protected, as many pixels as its map has.
    case centrePrior = "sip-centre-prior"
    /// SIP-AT the wrong way round: only what is salient may be attacked.
    case inverted = "sip-inverted"

    /// What people choose between. Training at half the radius is always among them: it is the strongest rival at equal clean
    /// accuracy, and nothing is recommended without it.
    package static let methods: [PilotMethod] = [.natural, .at, .atHalf, .atQuarter, .sipAT]
    /// What tells whether the maps themselves bought anything.
    package static let controls: [PilotMethod] = [.shuffled, .centrePrior, .inverted]

    package var isControl: Bool { Self.controls.contains(self) }
    package var isAdversarial: Bool { [.at, .atHalf, .atQuarter].contains(self) }
    package var usesSalience: Bool { self == .sipAT || isControl }

    /// The radius it trains at, as a share of the plan's; nil for none.
    package var relativeRadius: Double? {
        switch self {
        case .natural: nil
        case .atHalf: 0.5
        case .atQuarter: 0.25
        case .at, .sipAT, .shuffled, .centrePrior, .inverted: 1
        }
    }

    /// `key=value` pairs over the plan's recipe.
    ///
    /// - Parameters:
    ///   - epsilon: the plan's radius, in grey levels of 255.
    ///   - stepRatio: of the attack's step to its radius, in the plan's recipe.
    func overrides(epsilon: Double, stepRatio: Double) -> [String] {
        var settings: [String]
        switch self {
        case .natural: settings = ["mode=natural"]
        case .at, .atHalf, .atQuarter: settings = ["mode=at"]
        case .sipAT: settings = ["mode=sip-at"]
        case .shuffled: settings = ["mode=sip-at", "salience.source=shuffled"]
        case .centrePrior: settings = ["mode=sip-at", "salience.source=centre-prior"]
        case .inverted: settings = ["mode=sip-at", "attack.mask=inverted"]
        }
        let radius = epsilon * (relativeRadius ?? 1)
        settings += ["attack.epsilon=\(radius)/255", "attack.stepSize=\(radius * stepRatio)/255"]
        return settings
    }
}
