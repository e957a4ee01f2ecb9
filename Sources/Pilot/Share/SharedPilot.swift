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
            // Others wrote it.
            guard shared.format == 1 else { throw Failure.badData("\(path): has format \(shared.format), expected 1", remedy: "use the version of sipat that wrote it") }
            self = shared
        } else if let report = try? decodedJSON(PilotReport.self, from: bytes) {
            try self.init(report)
        } else {
            throw Failure.badData("\(path): is neither a shared pilot nor a pilot's report.json", remedy: "make one: sipat pilot export FOLDER --share --output FILE")
        }
        let isReadable = [program, network, attack].allSatisfy { text in text.utf8.count <= 200 && text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 && $0 != "|" } }
        guard shape.count == 3, shape.allSatisfy({ $0 > 0 }), isReadable else {
            throw Failure.badData("\(path): what it says of images, network or attack means nothing", remedy: "ask whoever made it for another")
        }
    }
}
