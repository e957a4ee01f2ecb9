import Attacks
import Diagnostics
import Evaluation

/// The attacks that an evaluation can be asked for, by name.
package enum EvaluationAttacks {
    /// How PGD and its single steps are made.
    package struct PGD: Sendable {
        package var steps: Int
        /// Nil for 2.5·ε/steps.
        package var stepSize: Float?
        package var restarts: Int

        package init(steps: Int, stepSize: Float?, restarts: Int) {
            self.steps = steps
            self.stepSize = stepSize
            self.restarts = restarts
        }
    }

    /// The ascents that go by their own names; all others are AutoAttack's.
    package enum Ascent: String, CaseIterable, Sendable {
        case pgd
        case fgsm
        case fgsmRS = "fgsm-rs"

        /// A step's length times the number of steps, as a multiple of the radius.
        package var relativeStepSize: Float {
            switch self {
            case .pgd: 2.5
            case .fgsm: 1
            case .fgsmRS: 1.25
            }
        }
    }

    private static let lists: [(name: String, version: AutoAttack.Version)] = [
        ("autoattack", .standard), ("autoattack-plus", .plus), ("autoattack-rand", .rand),
    ]

    package static let names = Ascent.allCases.map(\.rawValue) + lists.map(\.name) + AutoAttack.names

    /// - Throws: `Failure.usage` for an unknown name, with the nearest known one, or an attack that is there twice.
    package static func check(_ asked: [String]) throws {
        for name in asked where !names.contains(name) {
            throw Failure.usage(
                "--attack is \"\(name)\", expected one of \(names.joined(separator: ", ")), or several separated by commas",
                remedy: nearestName(to: name, among: names).map { "did you mean \($0)?" })
        }
        let all = attacks(asked, ThreatModel(norm: .linf, epsilon: 0.1), PGD(steps: 1, stepSize: nil, restarts: 1)).map(\.name)
        if let twice = all.first(where: { name in all.count { $0 == name } > 1 }) {
            throw Failure.usage("--attack \(asked.joined(separator: ",")): \(twice) is there twice", remedy: "autoattack holds apgd-ce, apgd-t, fab-t and square")
        }
    }

    /// The attacks in their order. The names are known ones.
    static func attacks(_ names: [String], _ threat: ThreatModel, _ pgd: PGD) -> [(name: String, attack: any Attack)] {
        names.flatMap { name -> [any Attack] in
            if let ascent = Ascent(rawValue: name) {
                let steps = ascent == .pgd ? pgd.steps : 1
                let settings = AttackSettings(
                    threat: threat, stepSize: pgd.stepSize ?? ascent.relativeStepSize * threat.epsilon / Float(steps), steps: steps,
                    randomStart: ascent != .fgsm)
                return [PGDAttack(name: name, settings, restarts: pgd.restarts)]
            }
            if let version = lists.first(where: { $0.name == name })?.version { return AutoAttack.attacks(version, threat) }
            return (try? AutoAttack.attack(named: name, threat)).map { [$0] } ?? []
        }.map { ($0.name, $0) }
    }
}
