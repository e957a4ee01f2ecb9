import Attacks
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import NeuralNet
import Salience
import Training

/// What `sipat evaluate` works on, from its arguments: the same on every rank.
struct EvaluationSetup {
    let model: FrozenModel
    let modelName: String
    let weightsPath: String
    let dataset: ImageDataset
    let indices: [Int]
    let settings: EvaluationProtocol

    init(_ command: EvaluateCommand) throws {
        let weights = try WeightsSource(command.weights)
        weightsPath = weights.path
        dataset = try Self.dataset(command, recipe: weights.recipe)
        let configuration = try Self.configuration(command, recipe: weights.recipe)
        modelName = configuration.name
        let network = try configuration.network(input: dataset.imageShape, classes: dataset.classes)
        let state = ModelState(network: network)
        try RunFiles.load(weights: weights.path, into: state)
        model = FrozenModel(network: network)
        model.freeze(state)
        guard command.limit >= 0 else { throw Failure.usage("--limit is \(command.limit), expected 0 or more") }
        indices = ValidationSplit.classBalanced(
            Array(0..<dataset.count), labels: dataset.labels, limit: command.limit == 0 ? dataset.count : command.limit)
        settings = try Self.settings(command)
        guard settings.region == .all || dataset.salience != nil else {
            throw Failure.usage("--region \(command.region) needs salience maps", remedy: "give --salience maps.npy for this split")
        }
    }

    private static func dataset(_ command: EvaluateCommand, recipe: Recipe?) throws -> ImageDataset {
        guard let name = command.data ?? recipe?.dataName else {
            throw Failure.usage("--data is missing", remedy: "name the data set: --data \(DatasetLoader.names.joined(separator: " | "))")
        }
        guard let split = DatasetSplit(rawValue: command.split) else {
            throw Failure.usage("--split is \"\(command.split)\", expected train or test")
        }
        let sameData = recipe?.dataName == name
        let dataset = try DatasetLoader.load(
            name: name, directory: command.dataDir ?? (sameData ? recipe?.directory : nil),
            synthetic: sameData ? recipe!.synthetic : .init(), split: split)
        guard let path = command.salience else { return dataset }
        let maps = try SalienceMaps(contentsOf: path)
        try maps.require(
            dataset: .init(name: dataset.name, split: split.rawValue, count: dataset.count, fingerprint: dataset.fingerprint),
            from: path)
        let values = [Float](unsafeUninitializedCapacity: dataset.count * dataset.imageShape.pixels) { buffer, count in
            for index in 0..<dataset.count { maps.copy(index, into: buffer.baseAddress! + index * dataset.imageShape.pixels) }
            count = buffer.count
        }
        return try dataset.attachingSalience(
            maps: values, annotated: (0..<dataset.count).map(maps.isAnnotated), source: path)
    }

    private static func configuration(_ command: EvaluateCommand, recipe: Recipe?) throws -> ModelConfiguration {
        let trained = try recipe?.modelConfiguration()
        guard let name = command.model ?? trained?.name else {
            throw Failure.usage("--model is missing", remedy: "name the network: --model \(ModelConfiguration.names.joined(separator: " | "))")
        }
        if command.model == nil, let trained, command.width == nil, command.stem == nil, command.depth == nil, command.widen == nil {
            return trained
        }
        let stem = command.stem ?? trained?.stem.rawValue ?? "cifar"
        guard let stem = ModelConfiguration.Stem(rawValue: stem) else {
            throw Failure.usage("--stem is \"\(stem)\", expected cifar or imagenet")
        }
        return try ModelConfiguration(name: name, width: command.width, stem: stem, depth: command.depth, widen: command.widen)
    }

    private static func settings(_ command: EvaluateCommand) throws -> EvaluationProtocol {
        guard let norm = Norm(rawValue: command.norm) else {
            throw Failure.usage("--norm is \"\(command.norm)\", expected linf or l2")
        }
        guard let region = EvaluationProtocol.Region(rawValue: command.region) else {
            throw Failure.usage("--region is \"\(command.region)\", expected all, salient or background")
        }
        let epsilons = try command.epsilons.split(separator: ",", omittingEmptySubsequences: false).map {
            try radius(String($0), flag: "--epsilons", norm: norm)
        }
        guard Set(epsilons).count == epsilons.count else { throw Failure.usage("--epsilons \(command.epsilons): a radius is given twice") }
        guard command.steps >= 1, command.restarts >= 1, command.batch >= 1, command.seed >= 0 else {
            throw Failure.usage("--steps, --restarts and --batch must be at least 1, and --seed at least 0")
        }
        let stepSize = try command.stepSize.map { try radius($0, flag: "--step-size", norm: norm) }
        let nearest = nearestName(to: command.attack, among: ["pgd", "fgsm", "fgsm-rs"])
        switch command.attack {
        case "pgd":
            return EvaluationProtocol(
                norm: norm, epsilons: epsilons, steps: command.steps, stepSize: stepSize, restarts: command.restarts,
                region: region, seed: UInt64(command.seed))
        case "fgsm", "fgsm-rs":
            return EvaluationProtocol(
                norm: norm, epsilons: epsilons, steps: 1, stepSize: stepSize,
                relativeStepSize: command.attack == "fgsm" ? 1 : 1.25, randomStart: command.attack == "fgsm-rs",
                restarts: command.restarts, region: region, seed: UInt64(command.seed))
        default:
            throw Failure.usage(
                "--attack is \"\(command.attack)\", expected pgd, fgsm or fgsm-rs", remedy: nearest.map { "did you mean \($0)?" })
        }
    }

    private static func radius(_ text: String, flag: String, norm: Norm) throws -> Float {
        guard let value = RecipeField.number(text.trimmingCharacters(in: .whitespaces)), value.isFinite, value >= 0 else {
            throw Failure.usage("\(flag): \"\(text)\" is no radius", remedy: "write numbers of at least 0, such as 0,2/255,8/255")
        }
        guard norm == .l2 || value <= 1 else {
            throw Failure.usage("\(flag): \(text) is above 1, but images are in [0, 1]", remedy: "did you mean \(text)/255?")
        }
        return Float(value)
    }
}

/// Where `--weights` points to, and the recipe that made them if they belong to a run.
struct WeightsSource {
    let path: String
    let recipe: Recipe?

    init(_ given: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: given, isDirectory: &isDirectory) else {
            throw Failure.inputOutput("\(given): no such file or folder", remedy: "--weights takes a run's folder, a checkpoint's, or a safetensors file")
        }
        guard isDirectory.boolValue else {
            path = given
            recipe = try Self.recipe(ofRun: ((given as NSString).deletingLastPathComponent as NSString).appendingPathComponent("../.."))
            return
        }
        if FileManager.default.fileExists(atPath: given + "/checkpoints") {
            let store = CheckpointStore(run: given)
            guard let checkpoint = try store.best()?.checkpoint ?? store.latestValid().checkpoint else {
                throw Failure.badData("\(given): holds no good checkpoint")
            }
            path = try checkpoint.path(of: RunFiles.weights)
            recipe = try Self.recipe(ofRun: given)
        } else {
            path = try Checkpoint(verifying: given).path(of: RunFiles.weights)
            recipe = try Self.recipe(ofRun: given + "/../..")
        }
    }

    private static func recipe(ofRun folder: String) throws -> Recipe? {
        let path = folder + "/recipe.yaml"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try RecipeParser.parse(String(decoding: try ReadableFile.contents(of: path), as: UTF8.self), name: path)
    }
}
