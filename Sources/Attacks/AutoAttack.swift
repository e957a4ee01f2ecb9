import Diagnostics

/// AutoAttack (Croce and Hein, ICML 2020): lists of attacks whose settings nobody tunes.
package enum AutoAttack {
    package enum Version: String, Sendable, Hashable, Codable, CaseIterable {
        /// APGD-CE, targeted APGD, targeted FAB, Square: what "AutoAttack" means without further words.
        case standard
        /// More attacks and restarts.
        case plus
        /// For models that draw random numbers: APGD on both losses, with gradients of 20 passes.
        case rand
    }

    /// The names `attack(named:_:)` knows.
    package static let names = ["apgd-ce", "apgd-dlr", "apgd-t", "fab", "fab-t", "square"]

    /// One attack, with the settings it has in the standard version.
    ///
    /// - Throws: `Failure.usage` for another name.
    package static func attack(named name: String, _ threat: ThreatModel) throws -> any Attack {
        if let objective = APGD.Objective(rawValue: name) { return APGD(objective, threat) }
        switch name {
        case "fab": return FAB(threat, isTargeted: false)
        case "fab-t": return FAB(threat, isTargeted: true)
        case "square": return Square(threat)
        default:
            let nearest = nearestName(to: name, among: names).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage("no attack is called \(name)", remedy: "\(nearest)Known: \(names.joined(separator: ", "))")
        }
    }

    /// The attacks of a version, in their order.
    package static func attacks(_ version: Version, _ threat: ThreatModel) -> [any Attack] {
        func apgd(_ objective: APGD.Objective, restarts: Int = 1, gradientPasses: Int = 1) -> APGD {
            var attack = APGD(objective, threat)
            (attack.restarts, attack.gradientPasses) = (restarts, gradientPasses)
            return attack
        }
        switch version {
        case .standard:
            return [apgd(.crossEntropy), apgd(.targeted), FAB(threat, isTargeted: true), Square(threat)]
        case .plus:
            var fab = FAB(threat, isTargeted: false)
            fab.restarts = 5
            return [
                apgd(.crossEntropy, restarts: 5), apgd(.logitsRatio, restarts: 5), fab, Square(threat), apgd(.targeted),
                FAB(threat, isTargeted: true),
            ]
        case .rand:
            return [apgd(.crossEntropy, gradientPasses: 20), apgd(.logitsRatio, gradientPasses: 20)]
        }
    }
}
