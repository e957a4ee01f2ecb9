import Diagnostics

/// Several pilots side by side.
package struct PilotTable {
    private let columns: [(name: String, pilot: SharedPilot)]

    package init(_ columns: [(name: String, pilot: SharedPilot)]) { self.columns = columns }

    /// Heads of columns: the files' names, with as many of their folders as tell them apart; bars would end a cell.
    package static func heads(_ paths: [String]) -> [String] {
        let parts = paths.map { $0.split(separator: "/").map(String.init) }
        func name(_ place: Int, _ count: Int) -> String { parts[place].suffix(count).joined(separator: "/") }
        let names = paths.indices.map { place -> String in
            let others = paths.indices.filter { $0 != place && parts[$0] != parts[place] }
            var count = 1
            while count < parts[place].count, others.contains(where: { name($0, count) == name(place, count) }) { count += 1 }
            return name(place, count)
        }
        return names.indices.map { place -> String in
            // One file twice, or a.json and /a.json.
            let alike = names.indices.filter { names[$0] == names[place] }
            let text = alike.count == 1 ? names[place] : "\(names[place]) (\(alike.firstIndex(of: place)! + 1))"
            return String(
                text.unicodeScalars.map { scalar -> Character in
                    if scalar == "|" { return "/" }
                    return scalar.value < 32 || (127...159).contains(scalar.value) ? "?" : Character(scalar)
                })
        }
    }

    /// What was done, by name; what differs in it keeps accuracies from being compared across pilots. What a file does not tell is
    /// marked as such.
    private static func conditions(_ pilot: SharedPilot) -> [(name: String, value: String)] {
        var list: [(name: String, value: String)] = []
        func add(_ name: String, _ value: String) { list.append((name: name, value: value)) }
        func addSetting(_ name: String, _ value: (SharedPilot.Settings) -> String) { add(name, pilot.settings.map(value) ?? "not told") }
        add("images", "\(pilot.shape[1])×\(pilot.shape[0])×\(pilot.shape[2])")
        add("classes", "\(pilot.classes)")
        add("trained on, tested on", "\(pilot.trained), \(pilot.tested)")
        addSetting("data (hash)") { String($0.data.prefix(12)) }
        addSetting("maps (hash)") { String($0.maps.prefix(12)) }
        let words = pilot.words.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        add("whose word the maps are", words.joined(separator: ", "))
        add("protected, mean", percent(pilot.coverage))
        add("network, parameters", "\(pilot.network), \(pilot.parameters)")
        add("epochs, steps per model, seeds", "\(pilot.epochs), \(pilot.steps), \(pilot.seeds)")
        addSetting("attack in training") { "\($0.innerAttack), \($0.innerNorm), \($0.innerSteps) steps, \($0.objective)" }
        addSetting("learning rate, batch") { "\(PlanSchema.text($0.learningRate)), \($0.batch)" }
        addSetting("recipe (hash, without paths)") { String($0.recipe.prefix(12)) }
        add("attack", pilot.attack)
        addSetting("steps, restarts of PGD") { "\($0.steps), \($0.restarts)" }
        addSetting("radii") { $0.radii.map(PlanSchema.text).joined(separator: ", ") }
        addSetting("attacked parts of the image") { $0.regions.joined(separator: ", ") }
        add("radius of training, of the decision", "\(PlanSchema.text(pilot.epsilon)), \(PlanSchema.text(pilot.decision))")
        add("self-checks", checks(pilot))
        add("smallest difference that matters", "\(PlanSchema.text(pilot.smallestDifference)) points")
        addSetting("criteria changed after the first start") { $0.criteriaChanged ? "yes" : "no" }
        add("sipat", pilot.program)
        return list
    }

    private static func checks(_ pilot: SharedPilot) -> String {
        let told = pilot.methods.compactMap { method in method.verdict.map { "\(method.method) \($0)" } }
        return told.isEmpty ? "none" : told.joined(separator: ", ")
    }

    /// Names of what differs between the pilots; with those that at least one of them has and another has not.
    package var differences: [String] {
        let told = columns.map { Self.conditions($0.pilot) }
        let conditions = (told.first ?? []).indices.filter { place in Set(told.map { $0[place].value }).count > 1 }.map { told[0][$0].name }
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
        let told = columns.map { Self.conditions($0.pilot) }
        lines += (told.first ?? []).indices.map { place in "| \(told[0][place].name) | " + told.map { $0[place].value }.joined(separator: " | ") + " |" }
        for method in PilotMethod.allCases where columns.contains(where: { $0.pilot.methods.contains { $0.method == method.rawValue } }) {
            lines.append(row("\(method.rawValue), clean") { Self.accuracy($0, method, 0) })
            lines.append(row("\(method.rawValue), decision's radius") { Self.accuracy($0, method, $0.decision) })
        }
        lines.append(row("rival") { $0.rival ?? "–" })
        lines.append(row("sip-at less its rival, clean") { Self.difference($0, 0) })
        lines.append(row("sip-at less its rival, decision's radius") { Self.difference($0, $0.decision) })
        lines.append(row("recommendation") { $0.outcome.rawValue })
        lines.append(row("reasons") { $0.reasons.map(\.rawValue).joined(separator: ", ") })
        let differences = differences
        let judgement =
            differences.isEmpty
            ? "Nothing that is known of them differs"
                + (columns.allSatisfy { $0.pilot.settings != nil } ? ", images and maps included." : ". Whether the images are the same, not every file tells.")
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
        return "\(decimal(100 * found.difference, 1)) (\(decimal(100 * found.low, 1)) to \(decimal(100 * found.high, 1))) beside \(found.second)"
    }
}
