import Diagnostics
import Digests
import Evaluation
import Recipes
import Salience

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

    /// What else decides accuracies. The inner attack is that of training.
    package struct Settings: Codable, Sendable, Hashable {
        package var steps: Int
        package var restarts: Int
        package var radii: [Double]
        package var regions: [String]
        package var innerAttack: String
        package var innerNorm: String
        package var innerSteps: Int
        package var objective: String
        package var learningRate: Double
        package var batch: Int
        /// SHA-256 of the recipe that all models begin from, without its paths.
        package var recipe: String
        /// SHA-256 of what tells the images apart from others, of both splits; and the maps.
        package var data: String
        package var maps: String
        package var criteriaChanged: Bool
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
    /// Nil in files of versions that did not tell.
    package var settings: Settings?

    package static let mark = "sipat-pilot-shared"

    package init(_ report: PilotReport) throws {
        let plan = report.plan
        program = report.program
        shape = report.material.shape
        classes = report.material.classNames.count
        (trained, tested) = (report.material.trained, report.images)
        seeds = plan.seeds.count
        let recipe = try plan.baseRecipe()
        network = recipe.model.name
        (parameters, epochs, steps) = (report.parameters, report.epochs, report.stepsPerModel)
        (attack, epsilon, decision) = (plan.evaluation.attack, plan.epsilon, plan.evaluation.decision)
        smallestDifference = plan.acceptance.smallestDifference
        // A report may be a stranger's, too: sums that overflow are negative, and refused.
        words = report.material.salience.words.reduce(into: [:]) { $0[$1.kind, default: 0] &+= $1.images }
        let covered = report.material.salience.coverage
        let images = covered.reduce(0) { $0 &+ $1.images }
        coverage = images > 0 ? covered.reduce(0) { $0 + $1.share * Double($1.images) } / Double(images) : 0
        methods = report.methods.map {
            Method(method: $0.method, epsilon: $0.epsilon, radii: $0.radii, regions: $0.regions, faults: $0.faults, verdict: $0.checks?.verdict.rawValue)
        }
        comparisons = report.comparisons
        outcome = report.recommendation.outcome
        reasons = report.recommendation.reasons.map(\.code)
        rival = report.recommendation.rival
        let asked = plan.evaluation
        let salience = report.material.salience
        settings = Settings(
            steps: asked.steps, restarts: asked.restarts, radii: asked.radii.sorted(), regions: asked.regions, innerAttack: recipe.attack.name.rawValue,
            innerNorm: recipe.attack.norm.rawValue, innerSteps: recipe.attack.steps, objective: recipe.objective.name.rawValue, learningRate: recipe.optimizer.lr,
            batch: recipe.data.batch, recipe: Self.hash(recipe), data: Self.hash(report.material.splits.map(\.fingerprint)),
            maps: Self.hash([salience.fingerprint, salience.rule]), criteriaChanged: report.criteriaChanged)
    }

    /// Of what a recipe decides: not where its files are, nor what a run writes besides.
    private static func hash(_ recipe: Recipe) -> String {
        var plain = recipe
        (plain.data.directory, plain.salience.maps, plain.logging.tensorboard) = ("", "", false)
        // Whether it begins from other weights is told, from whose is not.
        if !plain.model.weights.isEmpty { plain.model.weights = "given" }
        return hash([plain.yaml(commented: false)])
    }

    private static func hash(_ texts: [String]) -> String { SHA256.hex(of: Array(texts.joined(separator: "\n").utf8)) }

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
            do { try self.init(report) } catch let failure as Failure {
                throw Failure.badData("\(path): \(failure.message)", remedy: "ask whoever made it for another")
            }
        } else {
            throw Failure.badData("\(path): is neither a shared pilot nor a pilot's report.json", remedy: "make one: sipat pilot export FOLDER --share --output FILE")
        }
        try check(path)
    }

    /// Others may have written it, and what is in it stands in a table on somebody's terminal.
    ///
    /// - Throws: `Failure.badData` naming what cannot be.
    private func check(_ path: String) throws {
        func require(_ isRight: Bool, _ what: String) throws {
            guard !isRight else { return }
            throw Failure.badData("\(path): \(what) means nothing", remedy: "ask whoever made it for another")
        }
        func isPlain(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= 200 && text.utf8.allSatisfy { $0 >= 32 && $0 < 127 && $0 != UInt8(ascii: "|") } }
        func isShare(_ value: Double) -> Bool { (0...1).contains(value) }
        func isRadius(_ value: Double) -> Bool { (0...255).contains(value) }
        func isSound(_ share: PilotShare) -> Bool {
            share.count >= 0 && [share.accuracy, share.low, share.high, share.lowest, share.highest].allSatisfy(isShare)
        }
        func isMethod(_ name: String) -> Bool { PilotMethod(rawValue: name) != nil }
        try require(shape.count == 3 && shape.allSatisfy { (1...1_000_000).contains($0) }, "the size of its images")
        try require([program, network, attack].allSatisfy(isPlain), "what it says of version, network or attack")
        try require([classes, trained, tested, seeds, parameters, epochs, steps].allSatisfy { $0 >= 0 }, "a count")
        try require([epsilon, decision].allSatisfy(isRadius) && (0...100).contains(smallestDifference), "a radius, or the smallest difference,")
        let kinds = Set(SalienceOrigin.Kind.allCases.map(\.rawValue) + ["own"])
        try require(words.allSatisfy { kinds.contains($0.key) && $0.value >= 0 }, "whose word its maps are")
        try require(isShare(coverage), "the share that is protected")
        try require(rival.map(isMethod) ?? true, "its rival")
        for method in methods {
            let radii = method.radii.allSatisfy { isRadius($0.epsilon) && isSound($0.accuracy) && $0.bySeed.allSatisfy(isShare) }
            let regions = method.regions.allSatisfy { isPlain($0.region) && isRadius($0.epsilon) && isSound($0.accuracy) && ($0.broken.map(isShare) ?? true) }
            let faults = method.faults.allSatisfy { isShare($0.accuracy) && $0.count >= 0 && $0.corruption.strength.isFinite }
            let isKnown = isMethod(method.method) && (method.verdict.map { SelfChecks.Verdict(rawValue: $0) != nil } ?? true)
            try require(isKnown && radii && regions && faults && (method.epsilon.map(isRadius) ?? true), "what it says of a method")
        }
        for difference in comparisons.map(\.difference) {
            let names = isMethod(difference.first) && isMethod(difference.second)
            let numbers = [difference.difference, difference.low, difference.high].allSatisfy { (-1...1).contains($0) }
            let seeds = difference.seeds.allSatisfy { isShare($0.pValue) && $0.onlyFirst >= 0 && $0.onlySecond >= 0 }
            try require(names && numbers && seeds && isRadius(difference.epsilon) && isShare(difference.level) && difference.count >= 0, "a difference between methods")
        }
        if let settings {
            let texts = [settings.innerAttack, settings.innerNorm, settings.objective, settings.recipe, settings.data, settings.maps] + settings.regions
            let counts = [settings.steps, settings.restarts, settings.innerSteps, settings.batch].allSatisfy { $0 >= 0 }
            try require(
                texts.allSatisfy(isPlain) && counts && settings.radii.allSatisfy(isRadius) && (0...1000).contains(settings.learningRate),
                "what it says of its settings")
        }
    }
}
