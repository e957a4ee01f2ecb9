import ArgumentParser
import Attacks
import Datasets
import Diagnostics
import Evaluation
import Experiments
import Foundation
import MPI
import NeuralNet
import Recipes

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model's accuracy, clean and under attack.",
        discussion: """
            mpirun -n 2 sipat evaluate --weights runs/first --data cifar10 --data-dir cifar-10-batches-bin --epsilons 0,2/255,8/255
            """)

    @Option(help: "A run's folder (its best checkpoint), a checkpoint's folder, or a safetensors file, ours or PyTorch's state_dict.")
    var weights: String

    @Option(help: "The network; a run's own if --weights is one.")
    var model: String?
    @Option(help: "Its width.")
    var width: Int?
    @Option(help: "Its stem: cifar or imagenet.")
    var stem: String?
    @Option(help: "Layers of a wide-resnet.")
    var depth: Int?
    @Option(help: "Widening factor of a wide-resnet.")
    var widen: Int?

    @Option(help: "\(DatasetLoader.names.joined(separator: ", ")); a run's own if --weights is one.")
    var data: String?
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @Option(help: "train or test.")
    var split = "test"
    @Option(help: "Evaluate this many images only, balanced over classes; 0 for all.")
    var limit = 0

    @Option(help: "linf or l2.")
    var norm = "linf"
    @Option(help: "Radii, comma-separated; fractions such as 8/255 are understood, 0 is the clean images.")
    var epsilons = "0,2/255,4/255,8/255"
    @Option(help: "pgd, fgsm (one step, no random start) or fgsm-rs (one step from a random start).")
    var attack = "pgd"
    @Option(help: "Gradient steps of pgd.")
    var steps = 20
    @Option(help: "Length of a step; 2.5·ε/steps if not given.")
    var stepSize: String?
    @Option(help: "Random starts; an image is robust if it withstands all.")
    var restarts = 1
    @Option(help: "Seed of the random starts.")
    var seed = 0
    @Option(help: "Images at a time, at most; no result depends on it.")
    var batch = 128

    @Option(help: "Salience maps of this split (a store, or an .npy file); the synthetic data has its own.")
    var salience: String?
    @Option(help: "Attack all pixels, or only the salient ones, or only the background. Images without such pixels are left out.")
    var region = "all"
    @Option(help: "A pixel is background if 1 − salience is at least this; the run's attack.threshold if not given.")
    var threshold: Float?

    @Option(help: "Write settings and results as JSON.")
    var json: String?
    @Option(help: "Write one JSON line per image and radius.")
    var perSample: String?

    mutating func validate() throws {
        weights = try expandingTilde(weights)
        for option in [\Self.dataDir, \.salience, \.json, \.perSample] { try expandTilde(&self[keyPath: option]) }
    }

    func run() throws {
        try Session.withSession { session in try evaluate(session.world) }
    }

    private func evaluate(_ world: Communicator) throws {
        let experiment = try world.agreeing {
            let request = try request()
            let experiment = try EvaluationExperiment(request)
            if world.rank == 0 {
                try requireWritable(
                    [("--json", json), ("--per-sample", perSample)],
                    inputs: ([experiment.weights.path, request.salience] + [request.directory]).compactMap { $0 }
                        + (experiment.weights.recipe == nil ? [] : [pathFolder(experiment.weights.path)]))
            }
            return experiment
        }
        var progress = ProgressLine()
        if world.rank == 0 {
            for note in experiment.notes + [try experiment.normalizationWarning()].compactMap({ $0 }) { Output.complain(note) }
        }
        let start = monotonicSeconds()
        var lastShown = start
        let result = try experiment.run(communicator: world) { done, total in
            guard world.rank == 0, done < total, monotonicSeconds() - lastShown > 5 else { return }
            lastShown = monotonicSeconds()
            let left = (lastShown - start) / Double(done) * Double(total - done)
            progress.note("group \(done)/\(total), \(duration(left)) left")
        }
        try world.agreeing {
            guard let result else { return }
            let settings = experiment.settings
            let heading =
                "\(experiment.modelName) on \(experiment.indices.count) images of \(experiment.dataset.name), \(attack) "
                + "\(settings.norm.rawValue), \(settings.steps) steps, region \(settings.region.rawValue), \(duration(monotonicSeconds() - start))"
            if let json {
                let file = EvaluationFile(
                    weights: experiment.weights.path, model: experiment.modelName, data: experiment.dataset.name, split: split,
                    attack: attack, settings: settings, report: result.report)
                try writeJSON(file, to: json)
            }
            if let perSample { try writeLines(result.records, to: perSample) }
            try Output.result(EvaluationTable.text(result.report, region: settings.region, heading: heading))
        }
    }

    /// - Throws: `Failure.usage` naming the flag that is wrong.
    private func request() throws -> EvaluationRequest {
        guard let split = DatasetSplit(rawValue: split) else {
            throw Failure.usage("--split is \"\(split)\", expected train or test")
        }
        guard limit >= 0 else { throw Failure.usage("--limit is \(limit), expected 0 or more") }
        guard batch >= 1 else { throw Failure.usage("--batch is \(batch), expected 1 or more") }
        if let threshold, !(threshold > 0 && threshold <= 1) {
            throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1")
        }
        return EvaluationRequest(
            weights: weights,
            model: .init(name: model, width: width, stem: try choice(stem, flag: "--stem"), depth: depth, widen: widen),
            data: try choice(data, flag: "--data"), directory: dataDir, split: split, limit: limit, salience: salience,
            salienceThreshold: threshold, settings: try settings(), batch: batch)
    }

    private func settings() throws -> EvaluationProtocol {
        let norm: Norm = try choice(norm, flag: "--norm")!
        let region: EvaluationProtocol.Region = try choice(region, flag: "--region")!
        let radii = try epsilons.split(separator: ",", omittingEmptySubsequences: false).map {
            try radius(String($0), flag: "--epsilons", norm: norm)
        }
        guard Set(radii).count == radii.count else { throw Failure.usage("--epsilons \(epsilons): a radius is given twice") }
        guard steps >= 1, restarts >= 1, seed >= 0 else {
            throw Failure.usage("--steps and --restarts must be at least 1, and --seed at least 0")
        }
        let attack: Attack = try choice(attack, flag: "--attack")!
        return EvaluationProtocol(
            norm: norm, epsilons: radii, steps: attack == .pgd ? steps : 1,
            stepSize: try stepSize.map { try radius($0, flag: "--step-size", norm: norm) },
            relativeStepSize: attack.relativeStepSize, randomStart: attack != .fgsm, restarts: restarts, region: region,
            seed: UInt64(seed))
    }

    private func radius(_ text: String, flag: String, norm: Norm) throws -> Float {
        guard let value = RecipeField.number(text.trimmingCharacters(in: .whitespaces)), value.isFinite, value >= 0 else {
            throw Failure.usage("\(flag): \"\(text)\" is no radius", remedy: "write numbers of at least 0, such as 0,2/255,8/255")
        }
        guard norm == .l2 || value <= 1 else {
            throw Failure.usage("\(flag): \(text) is above 1, but images are in [0, 1]", remedy: "did you mean \(text)/255?")
        }
        return Float(value)
    }
}

/// The attacks that can be asked for.
private enum Attack: String, CaseIterable {
    case pgd
    case fgsm
    case fgsmRS = "fgsm-rs"

    /// A step's length times the number of steps, as a multiple of the radius.
    var relativeStepSize: Float {
        switch self {
        case .pgd: 2.5
        case .fgsm: 1
        case .fgsmRS: 1.25
        }
    }
}

/// One of the names that a flag may have.
///
/// - Throws: `Failure.usage` with the names, and the nearest.
func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String?, flag: String) throws -> Choice? {
    guard let text else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    throw Failure.usage(
        "\(flag) is \"\(text)\", expected one of \(names.joined(separator: ", "))",
        remedy: nearestName(to: text, among: names).map { "did you mean \($0)?" })
}
