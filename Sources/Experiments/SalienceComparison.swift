import Datasets
import Diagnostics
import Kernels
import MPI
import Salience
import Training

/// Scores sets of maps against a truth, each rank its share of the images.
package struct SalienceComparison {
    private let dataset: any ImageSource
    private let split: DatasetSplit
    private let truth: (name: String, images: any ImageSource)
    /// What is scored; nil images stand for the centre prior.
    private let sources: [(name: String, isControl: Bool, images: (any ImageSource)?)]
    private let centre: [Float]
    private let settings: ScoreSettings
    private let seed: UInt64

    /// - Parameters:
    ///   - truth, others: paths of maps of `dataset`, each with the name it is to have.
    ///   - seed: of the controls and of the bootstrap.
    /// - Throws: `Failure` if maps cannot be read, or belong to other images.
    package init(
        dataset: any ImageSource, split: DatasetSplit, truth: (name: String, path: String), others: [(name: String, path: String)],
        settings: ScoreSettings, seed: UInt64
    ) throws {
        self.dataset = dataset
        self.split = split
        self.settings = settings
        self.seed = seed
        let images = try dataset.attachingSalience(from: truth.path, split: split)
        self.truth = (truth.name, images)
        let rule = SalienceRule(threshold: settings.threshold, seed: seed)
        func control(_ control: SalienceControl) throws -> (String, Bool, (any ImageSource)?) {
            var rule = rule
            rule.control = control
            return (control.rawValue, true, control == .centrePrior ? nil : try images.applying(rule))
        }
        // One map has no other to be exchanged with.
        let canShuffle = images.salienceCounts.map != 1
        let controls = SalienceControl.allCases.filter { $0 != .shuffled || canShuffle }
        sources = try others.map { ($0.name, false, try dataset.attachingSalience(from: $0.path, split: split)) } + controls.map(control)
        var centre = [Float](repeating: 0, count: dataset.imageShape.pixels)
        CentrePrior().write(height: dataset.imageShape.height, width: dataset.imageShape.width, into: &centre)
        self.centre = centre
    }

    /// Collective; the report is on rank 0, the same whatever the number of ranks.
    ///
    /// - Parameter progress: called after each image with the number of images this rank has done, and has to do.
    package func run(communicator: Communicator, progress: (_ done: Int, _ total: Int) -> Void) throws -> ComparisonReport? {
        let share = ownedMicroBatches(total: dataset.count, rank: communicator.rank, size: communicator.size)
        var places = PositivePlaces(pixels: dataset.imageShape.pixels)
        try communicator.agreeing {
            for index in share { if let truth = try truth(of: index) { places.add(truth) } }
        }
        try communicator.allreduce(&places.weights, .sum)
        var rows: [Double] = []
        try communicator.agreeing {
            for (place, index) in share.enumerated() {
                rows += try row(index, places)
                progress(place + 1, share.count)
            }
        }
        guard let parts = try communicator.gather(rows) else { return nil }
        return report(parts.flatMap { $0 })
    }

    /// What the truth is: absent, without a positive pixel, usual, or positive everywhere.
    private enum Kind: Double {
        case absent
        case withoutPositives
        case usual
        case withoutNegatives
    }

    private func truth(of index: Int) throws -> ScoreTruth? {
        var map = [Float](repeating: 0, count: dataset.imageShape.pixels)
        guard try truth.images.readFittedMap(index, into: &map) else { return nil }
        return ScoreTruth(map, threshold: settings.threshold)
    }

    /// An image's kind; then for each source whether its map is missing, whether it is constant, and its scores, with NaN for nil.
    private func row(_ index: Int, _ places: PositivePlaces) throws -> [Double] {
        let width = sources.count * (2 + settings.scores.count)
        func without(_ kind: Kind) -> [Double] { [kind.rawValue] + [Double](repeating: .nan, count: width) }
        guard let truth = try truth(of: index) else { return without(.absent) }
        guard truth.positiveCount > 0 else { return without(.withoutPositives) }
        var row = [(truth.positiveCount < truth.pixels ? Kind.usual : .withoutNegatives).rawValue]
        for source in sources {
            var map = centre
            var isMissing = false
            if let images = source.images {
                isMissing = try !images.readFittedMap(index, into: &map)
                if isMissing { map = [Float](repeating: 0, count: map.count) }
            }
            let scores = MapScores(map, truth: truth, places: places, settings: settings)
            row += [isMissing ? 1 : 0, scores.isConstant ? 1 : 0] + scores.values.map { $0 ?? .nan }
        }
        return row
    }

    private func report(_ rows: [Double]) -> ComparisonReport {
        let scores = settings.scores
        let block = 2 + scores.count
        let width = 1 + sources.count * block
        let kinds = (0..<dataset.count).map { Kind(rawValue: rows[$0 * width]) ?? .absent }
        func value(_ index: Int, _ source: Int, _ column: Int) -> Double { rows[index * width + 1 + source * block + column] }
        let scored = kinds.indices.filter { kinds[$0] == .usual || kinds[$0] == .withoutNegatives }
        let bootstrap = Bootstrap(seed: seed)
        func group(_ name: String, _ images: [Int], number: Int) -> ComparisonReport.Group {
            let columns = scores.indices.flatMap { score in
                sources.indices.map { source in
                    images.map { index in
                        let value = value(index, source, 2 + score)
                        return value.isNaN ? nil : value
                    }
                }
            }
            let means = bootstrap.means(of: columns, group: number)
            return ComparisonReport.Group(
                name: name, images: images.count,
                scores: Dictionary(
                    uniqueKeysWithValues: scores.enumerated().map { ($1.rawValue, Array(means[$0 * sources.count..<($0 + 1) * sources.count])) }))
        }
        let classes = dataset.classNames.enumerated().compactMap { label, name -> ComparisonReport.Group? in
            let images = scored.filter { dataset.labels[$0] == Int32(label) }
            return images.isEmpty ? nil : group(name, images, number: label + 1)
        }
        return ComparisonReport(
            dataset: dataset.identity(split: split), truth: truth.name,
            settings: settings, seed: seed, bootstrapSamples: bootstrap.samples, withoutTruth: kinds.count { $0 == .absent },
            withoutPositives: kinds.count { $0 == .withoutPositives }, withoutNegatives: kinds.count { $0 == .withoutNegatives },
            sources: sources.indices.map { source in
                ComparisonReport.Source(
                    name: sources[source].name, isControl: sources[source].isControl,
                    constant: scored.count { value($0, source, 1) == 1 }, missing: scored.count { value($0, source, 0) == 1 })
            },
            groups: [group("all", scored, number: 0)] + classes)
    }
}
