import Datasets
import Diagnostics
import Foundation
import Recipes

/// What the user says of a pilot to be planned; nil and empty leave the choice to the planner.
package struct PilotRequest: Sendable {
    /// A data set's name, or the path of people's own images.
    package var data: String
    package var directory: String?
    package var maps: String?
    package var estimator: String?
    package var recipe: String?
    package var overrides: [String]
    /// In grey levels.
    package var epsilon: Double?
    package var decision: Double?
    package var radii: [Double] = []
    package var methods: [String] = []
    package var controls: [String]?
    package var seeds: Int?
    package var images: Int?
    package var attack: String?
    /// Seconds.
    package var budget: Double
    package var threads: Int
    package var review: String?
    package var licence = ""
    package var origin = ""
    package var question: String?

    package init(data: String, overrides: [String], budget: Double, threads: Int) {
        self.data = data
        self.overrides = overrides
        self.budget = budget
        self.threads = threads
    }

    /// The plan as far as it does not depend on how fast the machine is.
    ///
    /// - Throws: `Failure.usage` naming the flag that is wrong.
    func plan() throws -> PilotPlan {
        var plan = PilotPlan()
        let name = DatasetLoader.Name(rawValue: data)
        var settings: [String] = []
        if let name {
            settings.append("data.name=\(name.rawValue)")
            if let directory { settings.append("data.directory=\(absolute(directory))") }
        } else {
            guard directory == nil else { throw Failure.usage("--data \(data) is a path, and --data-dir is given too", remedy: "leave --data-dir out") }
            guard FileManager.default.fileExists(atPath: data) else {
                throw Failure.usage(
                    "--data \(data): there is no such file or folder, and no data set of that name",
                    remedy: nearestName(to: data, among: DatasetLoader.names).map { "did you mean \($0)?" } ?? "give the path of a packed set (sipat data pack)")
            }
            settings += ["data.name=images", "data.directory=\(absolute(data))"]
        }
        guard maps == nil || estimator == nil else { throw Failure.usage("--maps and --estimator are both given", remedy: "leave one of them out") }
        if let maps {
            guard FileManager.default.fileExists(atPath: maps) else {
                throw Failure.inputOutput("--maps \(maps): there is no such file or folder", remedy: "make it: sipat salience import, or sipat salience estimate")
            }
            settings.append("salience.maps=\(absolute(maps))")
        }
        if let estimator { settings.append("salience.estimator=\(estimator)") }
        plan.recipe.base = recipe ?? (name == .synthetic ? "synthetic" : name == nil || name == .images ? "images" : "cifar10")
        // One measure for the best checkpoint of every method.
        plan.recipe.set = settings + ["validation.metric=clean"] + overrides
        if recipe == nil, name != nil, name != .synthetic { plan.recipe.set.insert("epochs=30", at: 0) }
        plan.epsilon = epsilon ?? 8
        plan.evaluation.radii = radii.isEmpty ? [plan.epsilon / 4, plan.epsilon / 2, plan.epsilon] : radii.sorted()
        plan.evaluation.decision = decision ?? plan.epsilon / 2
        if !plan.evaluation.radii.contains(plan.evaluation.decision) { plan.evaluation.radii = (plan.evaluation.radii + [plan.evaluation.decision]).sorted() }
        if !methods.isEmpty { plan.methods = methods }
        for name in plan.methods where !PilotMethod.methods.contains(where: { $0.rawValue == name }) {
            throw Self.unknown(name, "--methods", PilotMethod.methods)
        }
        if let controls { plan.controls = controls }
        for name in plan.controls where !PilotMethod.controls.contains(where: { $0.rawValue == name }) {
            throw Self.unknown(name, "--controls", PilotMethod.controls)
        }
        if let seeds { plan.seeds = Array(0..<seeds) }
        if let attack { plan.evaluation.attack = attack }
        // Any adversarial training may turn out to be the rival.
        plan.evaluation.checked = PilotMethod.methods.filter { $0 == .sipAT || $0.isAdversarial }.map(\.rawValue)
        plan.review = review.map(absolute) ?? ""
        (plan.data.licence, plan.data.origin) = (licence, origin)
        if let question { plan.question = question }
        plan.budget.asked = budget
        plan.budget.threads = threads
        return plan
    }

    private static func unknown(_ name: String, _ flag: String, _ known: [PilotMethod]) -> Failure {
        let names = known.map(\.rawValue)
        return .usage(
            "\(flag): \"\(name)\" is none of \(names.joined(separator: ", "))",
            remedy: nearestName(to: name, among: names).map { "did you mean \($0)?" } ?? "leave \(flag) out for all that fit the budget")
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: FileManager.default.currentDirectoryPath)).standardizedFileURL.path
    }
}
