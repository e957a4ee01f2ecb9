import Diagnostics
import Evaluation

/// A pilot's results for others to compare with: no images, no names of people, files, classes or places, nothing of what the user
/// wrote in words.
package struct SharedPilot: Codable, Sendable, Hashable {
    package struct Method: Codable, Sendable, Hashable {
        package var method: String
        package var epsilon: Double?
        package var radii: [PilotReport.Radius]
        /// Share of pixels' attackers, by region.
        package var regions: [PilotReport.Region]
        package var faults: [PilotReport.Fault]
        package var verdict: String?
    }

    package var format = 1
    package var kind = SharedPilot.mark
    package var program: String
    /// Height, width, channels.
    package var shape: [Int]
    package var classes: Int
    package var trained: Int
    package var tested: Int
    package var seeds: Int
    package var network: String
    package var parameters: Int
    package var epochs: Int
    package var steps: Int
    package var attack: String
    package var epsilon: Double
    package var decision: Double
    package var smallestDifference: Double
    /// Images by the kind of word that their maps are.
    package var words: [String: Int]
    /// Mean share of an image that is protected.
    package var coverage: Double
    package var methods: [Method]
    package var comparisons: [PilotReport.Comparison]
    package var outcome: PilotRecommendation.Outcome
    package var reasons: [PilotRecommendation.Code]
    package var rival: String?

    package static let mark = "sipat-pilot-shared"

    package init(_ report: PilotReport) throws {
        let plan = report.plan
        program = report.program
        shape = report.material.shape
        classes = report.material.classNames.count
        (trained, tested) = (report.material.trained, report.images)
        seeds = plan.seeds.count
        network = try plan.baseRecipe().model.name
        (parameters, epochs, steps) = (report.parameters, report.epochs, report.stepsPerModel)
        (attack, epsilon, decision) = (plan.evaluation.attack, plan.epsilon, plan.evaluation.decision)
        smallestDifference = plan.acceptance.smallestDifference
        words = report.material.salience.words.reduce(into: [:]) { $0[$1.kind, default: 0] += $1.images }
        let covered = report.material.salience.coverage
        let images = covered.reduce(0) { $0 + $1.images }
        coverage = images > 0 ? covered.reduce(0) { $0 + $1.share * Double($1.images) } / Double(images) : 0
        methods = report.methods.map {
            Method(method: $0.method, epsilon: $0.epsilon, radii: $0.radii, regions: $0.regions, faults: $0.faults, verdict: $0.checks?.verdict.rawValue)
        }
        comparisons = report.comparisons
        outcome = report.recommendation.outcome
        reasons = report.recommendation.reasons.map(\.code)
        rival = report.recommendation.rival
    }

    /// A file of `sipat pilot export --share`, or a pilot's `report.json`.
    ///
    /// - Throws: `Failure.badData` if it is neither.
    package init(contentsOf path: String) throws {
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 30)
        if let shared = try? decodedJSON(SharedPilot.self, from: bytes), shared.kind == Self.mark {
            guard shared.format == 1 else { throw Failure.badData("\(path): has format \(shared.format), expected 1", remedy: "use the version of sipat that wrote it") }
            self = shared
        } else if let report = try? decodedJSON(PilotReport.self, from: bytes) {
            try self.init(report)
        } else {
            throw Failure.badData("\(path): is neither a shared pilot nor a pilot's report.json", remedy: "make one: sipat pilot export FOLDER --share --output FILE")
        }
    }
}

/// Several pilots side by side.
package struct PilotTable {
    private let columns: [(name: String, pilot: SharedPilot)]

    package init(_ columns: [(name: String, pilot: SharedPilot)]) { self.columns = columns }

    /// As Markdown. What the pilots did differently stands above the accuracies, for nobody should compare those without it.
    package var text: String {
        func row(_ name: String, _ value: (SharedPilot) -> String) -> String { "| \(name) | " + columns.map { value($0.pilot) }.joined(separator: " | ") + " |" }
        var lines = [
            "| | " + columns.map(\.name).joined(separator: " | ") + " |", "| :--- |" + String(repeating: " ---: |", count: columns.count),
            row("images") { "\($0.shape[1])×\($0.shape[0])×\($0.shape[2])" }, row("classes") { "\($0.classes)" },
            row("trained on, tested on") { "\($0.trained), \($0.tested)" }, row("network, parameters") { "\($0.network), \($0.parameters)" },
            row("steps per model, seeds") { "\($0.steps), \($0.seeds)" }, row("attack") { $0.attack },
            row("radius of training, of the decision") { "\(PlanSchema.text($0.epsilon)), \(PlanSchema.text($0.decision))" },
            row("whose word the maps are") { pilot in pilot.words.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") },
            row("protected, mean") { percent($0.coverage) },
        ]
        for method in PilotMethod.allCases where columns.contains(where: { $0.pilot.methods.contains { $0.method == method.rawValue } }) {
            lines.append(row("\(method.rawValue), clean") { Self.accuracy($0, method, 0) })
            lines.append(row("\(method.rawValue), decision's radius") { Self.accuracy($0, method, $0.decision) })
        }
        lines.append(row("recommendation") { $0.outcome.rawValue })
        lines.append(row("reasons") { $0.reasons.map(\.rawValue).joined(separator: ", ") })
        return lines.joined(separator: "\n")
    }

    private static func accuracy(_ pilot: SharedPilot, _ method: PilotMethod, _ epsilon: Double) -> String {
        guard let share = pilot.methods.first(where: { $0.method == method.rawValue })?.radii.first(where: { $0.epsilon == epsilon })?.accuracy else { return "–" }
        return "\(percent(share.accuracy)) (\(decimal(100 * share.low, 1))–\(decimal(100 * share.high, 1)))"
    }
}
