import Diagnostics
import Foundation
import Recipes

/// One key of a pilot's plan.
struct PlanField: Sendable {
    enum Kind: Sendable {
        case text(WritableKeyPath<PilotPlan, String> & Sendable)
        case choice(WritableKeyPath<PilotPlan, String> & Sendable, [String])
        case number(WritableKeyPath<PilotPlan, Double> & Sendable, ClosedRange<Double>)
        case integer(WritableKeyPath<PilotPlan, Int> & Sendable, ClosedRange<Int>)
        case numbers(WritableKeyPath<PilotPlan, [Double]> & Sendable, ClosedRange<Double>)
        case integers(WritableKeyPath<PilotPlan, [Int]> & Sendable, ClosedRange<Int>)
        /// Nil: any text.
        case texts(WritableKeyPath<PilotPlan, [String]> & Sendable, [String]?)
    }

    /// Group and name, such as `evaluation.attack`.
    let path: String
    let kind: Kind
    let about: String

    var group: String? { path.firstIndex(of: ".").map { String(path[..<$0]) } }
    var name: String { String(path[(path.firstIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...]) }

    var expectation: String {
        switch kind {
        case .text: "a text"
        case .choice(_, let names): "one of \(names.joined(separator: ", "))"
        case .number(_, let range): "a number from \(PlanSchema.text(range.lowerBound)) to \(PlanSchema.text(range.upperBound))"
        case .integer(_, let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .numbers(_, let range): "a list of numbers from \(PlanSchema.text(range.lowerBound)) to \(PlanSchema.text(range.upperBound))"
        case .integers(_, let range): "a list of whole numbers from \(range.lowerBound) to \(range.upperBound)"
        case .texts(_, let names): names.map { "a list of \($0.joined(separator: ", "))" } ?? "a list of texts"
        }
    }

    var isList: Bool {
        switch kind {
        case .numbers, .integers, .texts: true
        default: false
        }
    }

    /// Sets the key from what a file says: one text, or several for a list.
    ///
    /// - Returns: the text that is no value of this key; nil where all went well.
    func set(_ texts: [String], in plan: inout PilotPlan) -> String? {
        func all<Value>(_ parse: (String) -> Value?, _ use: ([Value]) -> Void) -> String? {
            var values: [Value] = []
            for text in texts {
                guard let value = parse(text) else { return text }
                values.append(value)
            }
            use(values)
            return nil
        }
        func number(_ range: ClosedRange<Double>) -> (String) -> Double? { { RecipeField.number($0).flatMap { range.contains($0) ? $0 : nil } } }
        func integer(_ range: ClosedRange<Int>) -> (String) -> Int? { { Int($0).flatMap { range.contains($0) ? $0 : nil } } }
        switch kind {
        case .text(let path): plan[keyPath: path] = texts[0]
        case .choice(let path, let names):
            guard names.contains(texts[0]) else { return texts[0] }
            plan[keyPath: path] = texts[0]
        case .number(let path, let range): return all(number(range)) { plan[keyPath: path] = $0[0] }
        case .integer(let path, let range): return all(integer(range)) { plan[keyPath: path] = $0[0] }
        case .numbers(let path, let range): return all(number(range)) { plan[keyPath: path] = $0 }
        case .integers(let path, let range): return all(integer(range)) { plan[keyPath: path] = $0 }
        case .texts(let path, let names): return all({ names?.contains($0) == false ? nil : $0 }) { plan[keyPath: path] = $0 }
        }
        return nil
    }

    /// The value as YAML.
    func yaml(_ plan: PilotPlan) -> String {
        switch kind {
        case .text(let path), .choice(let path, _): PlanSchema.quoted(plan[keyPath: path])
        case .number(let path, _): PlanSchema.text(plan[keyPath: path])
        case .integer(let path, _): "\(plan[keyPath: path])"
        case .numbers(let path, _): "[\(plan[keyPath: path].map(PlanSchema.text).joined(separator: ", "))]"
        case .integers(let path, _): "[\(plan[keyPath: path].map { "\($0)" }.joined(separator: ", "))]"
        case .texts(let path, let names):
            names == nil && !plan[keyPath: path].isEmpty
                ? plan[keyPath: path].map { "\n    - \(PlanSchema.quoted($0))" }.joined() : "[\(plan[keyPath: path].map(PlanSchema.quoted).joined(separator: ", "))]"
        }
    }
}

/// Every key of a plan, in the order in which it is written.
enum PlanSchema {
    static let fields: [PlanField] = [
        field("format", .integer(\.format, 1...1000), "of this file"),
        field("question", .text(\.question), "what is to be decided, in a sentence"),
        field("system", .text(\.system), "the product or line that the model is for, and its version"),
        field("responsible", .text(\.responsible), "who answers for the decision"),
        field("data.origin", .text(\.data.origin), "where the images come from"),
        field("data.licence", .text(\.data.licence), "what you may do with them"),
        field("recipe.base", .choice(\.recipe.base, Recipe.builtInNames), "the built-in recipe that every training starts from"),
        field("recipe.set", .texts(\.recipe.set, nil), "settings over it, as for sipat train --set; data and salience are among them"),
        field("epsilon", .number(\.epsilon, 0.001...255), "radius of training, in grey levels of 255; at-half and at-quarter use shares of it"),
        field("methods", .texts(\.methods, PilotMethod.methods.map(\.rawValue)), "what is compared; without at-half nothing is recommended"),
        field("controls", .texts(\.controls, PilotMethod.controls.map(\.rawValue)), "what tells whether the maps themselves bought anything"),
        field("seeds", .integers(\.seeds, 0...1_000_000), "every method is trained once with each"),
        field("evaluation.attack", .text(\.evaluation.attack), "as for sipat evaluate --attack"),
        field("evaluation.steps", .integer(\.evaluation.steps, 1...10_000), "of PGD"),
        field("evaluation.restarts", .integer(\.evaluation.restarts, 1...1000), "of PGD"),
        field("evaluation.radii", .numbers(\.evaluation.radii, 0.001...255), "in grey levels; clean accuracy always comes with them"),
        field("evaluation.decision", .number(\.evaluation.decision, 0.001...255), "the radius the recommendation looks at, one of them"),
        field("evaluation.images", .integer(\.evaluation.images, 0...10_000_000), "test images, balanced over classes; 0 for all"),
        field("evaluation.regions", .texts(\.evaluation.regions, ["all", "salient", "background", "random"]), "parts of the image that attackers get besides the whole"),
        field("evaluation.checked", .texts(\.evaluation.checked, PilotMethod.allCases.map(\.rawValue)), "methods whose first seed is put to the self-checks"),
        field("acceptance.cleanAtLeast", .number(\.acceptance.cleanAtLeast, 0...100), "percent of clean images right"),
        field("acceptance.robustAtLeast", .number(\.acceptance.robustAtLeast, 0...100), "percent right and robust at evaluation.decision"),
        field("acceptance.cleanLossAtMost", .number(\.acceptance.cleanLossAtMost, 0...100), "points of clean accuracy below natural training"),
        field("acceptance.smallestDifference", .number(\.acceptance.smallestDifference, 0...100), "points; a smaller difference between methods counts as none"),
        field("acceptance.imagesAtLeast", .integer(\.acceptance.imagesAtLeast, 2...1_000_000), "test images without which nothing is recommended; those of a group count once"),
        field("acceptance.seedsAtLeast", .integer(\.acceptance.seedsAtLeast, 2...1000), "seeds without which nothing is recommended"),
        field("cost.currency", .text(\.cost.currency), "of the prices below; 0 where you do not know"),
        field("cost.perCoreHour", .number(\.cost.perCoreHour, 0...1e6), "price of a core for an hour"),
        field("cost.perKilowattHour", .number(\.cost.perKilowattHour, 0...1e6), "price of energy"),
        field("cost.perPersonHour", .number(\.cost.perPersonHour, 0...1e6), "price of an hour of people's time"),
        field("cost.personHours", .number(\.cost.personHours, 0...1e6), "hours that people gave to the maps; 0 for those of the review"),
        field("cost.fullImages", .integer(\.cost.fullImages, 0...1_000_000_000), "training images of the whole data, to extrapolate to; 0 for the pilot's"),
        field("cost.fullEpochs", .integer(\.cost.fullEpochs, 0...100_000), "epochs to extrapolate to; 0 for the pilot's"),
        field("review", .text(\.review), "a file of sipat review status --json, if people reviewed the maps"),
        field("budget.asked", .number(\.budget.asked, 0...1e9), "seconds that you gave"),
        field("budget.estimate", .number(\.budget.estimate, 0...1e9), "seconds that this will probably take with the ranks and threads below"),
        field("budget.ranks", .integer(\.budget.ranks, 1...1_000_000), "ranks that were measured"),
        field("budget.threads", .integer(\.budget.threads, 1...1024), "threads per rank"),
    ]

    static let byPath = Dictionary(uniqueKeysWithValues: fields.map { ($0.path, $0) })
    static let groups = Set(fields.compactMap(\.group))

    private static func field(_ path: String, _ kind: PlanField.Kind, _ about: String) -> PlanField { PlanField(path: path, kind: kind, about: about) }

    /// A number as people write it.
    static func text(_ value: Double) -> String { value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)" }

    /// A text as YAML understands it as a text.
    static func quoted(_ text: String) -> String {
        let known = Set(" -_/.=,()?!'0123456789".unicodeScalars)
        let plain =
            text.unicodeScalars.first?.properties.isAlphabetic == true && text.last != " "
            && text.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || known.contains($0) }
        let words: Set<String> = ["true", "false", "yes", "no", "null", "on", "off", "y", "n"]
        guard !plain || words.contains(text.lowercased()) else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            // What editors and YAML itself do not leave alone.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}": result += String(format: "\\u%04X", Int(scalar.value))
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
