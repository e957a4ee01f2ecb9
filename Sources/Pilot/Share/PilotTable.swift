import Diagnostics

/// Several pilots side by side.
package struct PilotTable {
    private let columns: [(name: String, pilot: SharedPilot)]

    package init(_ columns: [(name: String, pilot: SharedPilot)]) { self.columns = columns }

    /// What was done, by name; what differs in it keeps accuracies from being compared across pilots.
    private static let conditions: [(name: String, value: @Sendable (SharedPilot) -> String)] = [
        ("images", { "\($0.shape[1])×\($0.shape[0])×\($0.shape[2])" }),
        ("classes", { "\($0.classes)" }),
        ("trained on, tested on", { "\($0.trained), \($0.tested)" }),
        ("network, parameters", { "\($0.network), \($0.parameters)" }),
        ("steps per model, seeds", { "\($0.steps), \($0.seeds)" }),
        ("attack", { $0.attack }),
        ("radius of training, of the decision", { "\(PlanSchema.text($0.epsilon)), \(PlanSchema.text($0.decision))" }),
        ("smallest difference that matters", { "\(PlanSchema.text($0.smallestDifference)) points" }),
        ("sipat", { $0.program }),
    ]

    /// Names of what differs between the pilots; with those that at least one of them has and another has not.
    package var differences: [String] {
        let conditions = Self.conditions.filter { condition in Set(columns.map { condition.value($0.pilot) }).count > 1 }.map(\.name)
        let methods = PilotMethod.allCases.filter { method in
            let count = columns.count { $0.pilot.methods.contains { $0.method == method.rawValue } }
            return count > 0 && count < columns.count
        }
        return conditions + methods.map { "\($0.rawValue) (not in all)" }
    }

    /// As Markdown. What the pilots did differently stands above and below the accuracies, for nobody should compare those without it.
    package var text: String {
        func row(_ name: String, _ value: (SharedPilot) -> String) -> String { "| \(name) | " + columns.map { value($0.pilot) }.joined(separator: " | ") + " |" }
        var lines = ["| | " + columns.map(\.name).joined(separator: " | ") + " |", "| :--- |" + String(repeating: " ---: |", count: columns.count)]
        lines += Self.conditions.map { row($0.name, $0.value) }
        lines += [
            row("whose word the maps are") { pilot in pilot.words.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") },
            row("protected, mean") { percent($0.coverage) },
        ]
        for method in PilotMethod.allCases where columns.contains(where: { $0.pilot.methods.contains { $0.method == method.rawValue } }) {
            lines.append(row("\(method.rawValue), clean") { Self.accuracy($0, method, 0) })
            lines.append(row("\(method.rawValue), decision's radius") { Self.accuracy($0, method, $0.decision) })
        }
        lines.append(row("sip-at less its rival, clean") { Self.difference($0, 0) })
        lines.append(row("sip-at less its rival, decision's radius") { Self.difference($0, $0.decision) })
        lines.append(row("recommendation") { $0.outcome.rawValue })
        lines.append(row("reasons") { $0.reasons.map(\.rawValue).joined(separator: ", ") })
        let differences = differences
        let judgement =
            differences.isEmpty
            ? "Nothing that is known of them differs. Whether the images are the same, a shared file does not tell."
            : "They differ in: \(differences.joined(separator: "; ")). Accuracies of one are not to be set against those of another; differences between methods of one pilot, and recommendations, may be."
        return lines.joined(separator: "\n") + "\n\n" + judgement
    }

    private static func accuracy(_ pilot: SharedPilot, _ method: PilotMethod, _ epsilon: Double) -> String {
        guard let share = pilot.methods.first(where: { $0.method == method.rawValue })?.radii.first(where: { $0.epsilon == epsilon })?.accuracy else { return "–" }
        return "\(percent(share.accuracy)) (\(decimal(100 * share.low, 1))–\(decimal(100 * share.high, 1)))"
    }

    /// In points, with its interval.
    private static func difference(_ pilot: SharedPilot, _ epsilon: Double) -> String {
        guard let found = pilot.comparisons.first(where: { $0.difference.second == pilot.rival && $0.difference.epsilon == epsilon })?.difference else { return "–" }
        return "\(decimal(100 * found.difference, 1)) (\(decimal(100 * found.low, 1)) to \(decimal(100 * found.high, 1)))"
    }
}
