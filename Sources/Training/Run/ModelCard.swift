import Datasets
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Recipes
import Salience

/// `model-card.md` of a finished run: what was trained on what, and what was measured (after Mitchell et al., FAT* 2019).
///
/// It says nothing that the run has not computed or been told. What only people know is left for them to fill in.
struct ModelCard {
    let recipe: Recipe
    let state: RunState
    let data: TrainingData
    let network: Network
    /// SHA-256 of what came out in the end.
    let lastHash: String
    /// The epochs with a validation, in order; none that the run took back.
    let validated: [LoggedEpoch]
    let leftOut: Int

    /// - Parameter metrics: `metrics.jsonl`.
    init(recipe: Recipe, state: RunState, data: TrainingData, network: Network, lastHash: String, metrics: [UInt8], leftOut: Int) {
        self.recipe = recipe
        self.state = state
        self.data = data
        self.network = network
        self.lastHash = lastHash
        self.leftOut = leftOut
        validated = LoggedEpoch.all(in: metrics).filter { $0.cleanAccuracy != nil && $0.epoch < state.epoch }
    }

    var text: String {
        [model, use, training, salience, procedure, results, limits, files].compactMap { $0 }.joined(separator: "\n\n") + "\n"
    }

    private var model: String {
        let shape = network.input
        let normalization = network.normalization.map { "mean \(list($0.mean)) and deviation \(list($0.deviation)), a part of the model" } ?? "none"
        return """
            # Model card: \(recipe.model.name), \(recipe.mode.rawValue) training on \(data.dataset.name)

            Written by sipat at the end of training, from what the run computed and was told. *(Lines in italics are for people to fill in.)*

            ## Model

            | | |
            | :--- | :--- |
            | Network | \(recipe.model.name), \(network.parameterCount) parameters |
            | Input | \(shape.height)×\(shape.width) pixels, \(shape.channels == 1 ? "grey" : "RGB"), values in [0, 1] |
            | Normalisation | \(normalization) |
            | Output | logits of \(network.classes) classes: \(names) |
            | Began from | \(recipe.model.weights.isEmpty ? "random weights" : "\(recipe.model.weights), SHA-256 \(state.initialWeights?.prefix(12) ?? "not known")") |
            | Weights\(isAveraged ? " (`\(RunFiles.average)`)" : "") | SHA-256 \(kept.map(hash) ?? lastHash) |
            | Computed by | \(state.compute.map(\.description) ?? "not known") |

            *Who made it, when, licence, whom to ask:*
            """
    }

    private var use: String {
        """
        ## Intended use

        *What the model is for, and what it is not to be used for:*
        """
    }

    private var training: String {
        var counts = [Int](repeating: 0, count: data.dataset.classes)
        for index in data.training { counts[Int(data.dataset.labels[index])] += 1 }
        let extremes = "\(counts.min() ?? 0) to \(counts.max() ?? 0) of a class"
        return """
            ## Training data

            | | |
            | :--- | :--- |
            | Images | \(data.training.count) of \(data.dataset.name)\(recipe.data.directory.isEmpty ? "" : ", \(recipe.data.directory)"); \(extremes) |
            | Held out for validation | \(data.validation.count) |
            | Left out | \(leftOut == 0 ? "none" : "\(leftOut) files that could not be used (left-out.json)") |
            | Digest | \(data.dataset.fingerprint) |

            *Where the images come from, their licence, who is in them:*
            """
    }

    private var salience: String? {
        // Other modes attack every pixel, whatever maps there are.
        guard recipe.mode == .sipAT, data.dataset.hasSalience else { return nil }
        let origins = data.dataset.salience?.origins ?? []
        let words = origins.isEmpty ? "- the data set's own maps" : origins.map { "- \($0.summary)" }.joined(separator: "\n")
        let rule = recipe.salienceRule.text
        return """
            ## Salience

            Pixels that training did not attack were chosen on the word of

            \(words)

            Training images: \(data.salienceCounts.summary); those without a map were attacked everywhere.
            \(rule.isEmpty ? "" : "Changed by rule: \(rule).\n")Digest of the maps: \(data.dataset.salienceFingerprint ?? "")
            """
    }

    private var procedure: String {
        let attack = recipe.attack
        let protected =
            recipe.mode == .sipAT
            ? "; salient pixels (mask \(attack.mask.rawValue)) \(attack.epsilonSalient == 0 ? "were not changed" : "moved by at most \(level(attack.epsilonSalient))")" : ""
        let ended = state.epoch < recipe.epochs ? "\(state.epoch) of \(recipe.epochs) epochs" : "\(state.epoch) epochs"
        let differences = (try? Recipe.builtIn("cifar10")).map { recipe.differences(from: $0) } ?? []
        return """
            ## Training procedure

            \(recipe.mode.rawValue): \(trainedOn)\(protected). \(ended), \(state.step) steps of \(recipe.data.batch) images in micro-batches of \
            \(recipe.data.microBatch); SGD, learning rate \(recipe.optimizer.lr) (\(recipe.schedule.name.rawValue)), momentum \(recipe.optimizer.momentum), \
            weight decay \(recipe.optimizer.weightDecay); seed \(recipe.seed).\(average) Every setting is in `recipe.yaml`. Those that differ from the recipe cifar10:

            \(differences.map { "- `\($0.field.path)`: \($0.new)" }.joined(separator: "\n"))\(state.collapse.map { "\n\nStopped for good: \($0)." } ?? "")
            """
    }

    private var average: String {
        guard isAveraged else { return "" }
        return " The weights' moving average (decay \(recipe.ema.decay)) was measured, and is the model: `\(RunFiles.average)` of a checkpoint, beside the last step's weights."
    }

    /// The images that the loss was computed on, and the loss where it is not cross-entropy alone.
    private var trainedOn: String {
        let attack = recipe.attack
        guard recipe.mode != .natural else { return "on clean images" }
        let ball = "\(attack.norm.rawValue) radius \(level(attack.epsilon))"
        let attacked =
            switch attack.name {
            case .pgd: "PGD of \(attack.steps) steps of \(level(attack.stepSize)), \(ball)"
            case .fgsmRS: "one step from a random start (fgsm-rs), \(ball)"
            case .nFGSM: "one step from noise (n-fgsm), \(ball)"
            case .free: "one step in each of \(attack.replays) replays of a batch (free), \(ball)"
            }
        switch recipe.objective.name {
        case .crossEntropy: return "on images attacked by \(attacked)"
        case .trades: return "TRADES, β \(recipe.objective.beta), on clean images and images attacked by \(attacked)"
        case .mart: return "MART, β \(recipe.objective.beta), on clean images and images attacked by \(attacked)"
        }
    }

    private var results: String {
        guard let last = validated.last else {
            return "## Results\n\nNothing was measured: no image was held out for validation. `sipat evaluate` measures."
        }
        let robust = recipe.validation.limit == 0 ? data.validation.count : min(recipe.validation.limit, data.validation.count)
        func row(_ name: String, _ line: LoggedEpoch) -> String {
            "| \(name), epoch \(line.epoch + 1) | \(percent(line.cleanAccuracy ?? 0)) | \(percent(line.robustAccuracy ?? 0)) | \(hash(line).prefix(12)) |"
        }
        var rows: [String] = []
        if let kept { rows.append(row("kept as the best", kept)) }
        if last.epoch != kept?.epoch { rows.append(row("last", last)) }
        return """
            ## Results

            | checkpoint | clean accuracy (\(data.validation.count) images) | robust accuracy (\(robust) images) | weights |
            | :--- | ---: | ---: | :--- |
            \(rows.joined(separator: "\n"))

            On images held out from the training split. Robust: right after PGD of \(recipe.validation.steps) steps on the whole image, \(recipe.attack.norm.rawValue) \
            radius \(level(recipe.attack.epsilon)), by an attacker who knows the model. The best epoch was picked by its \
            \(recipe.picksByCleanAccuracy ? "clean" : "robust") accuracy in this very table, which flatters it.
            """
    }

    private var limits: String {
        """
        ## Limits

        - The test split, stronger attacks, other radii and norms, noise, blur and compression were not measured here: \
        `sipat evaluate --weights … --attack autoattack --measures` measures them.
        - Nothing was measured on images of another origin, or for groups of people or things within the classes.
        - One run, one seed: how much the numbers vary from seed to seed is not known.

        *What else is known:*
        """
    }

    private var files: String {
        """
        ## Files

        `recipe.yaml` (settings), `metrics.jsonl` (each step and epoch), `checkpoints/` (weights, with SHA-256)\(data.dataset.salience == nil ? "" : ", `salience.json` (whose word)").
        """
    }

    /// The epoch whose checkpoint is the best.
    private var kept: LoggedEpoch? { validated.last { $0.epoch == state.bestEpoch } }

    /// Whether the model is the moving average of the weights.
    private var isAveraged: Bool { recipe.ema.decay > 0 }

    /// SHA-256 of the model after an epoch.
    private func hash(_ line: LoggedEpoch) -> String { (isAveraged ? line.average : line.weights) ?? "not known" }

    private var names: String {
        let names = data.dataset.classNames
        return names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", … (\(names.count))" : "")
    }

    private func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ", ") }

    /// Radii in 255ths, where they are that.
    private func level(_ radius: Double) -> String {
        let levels = radius * 255
        return abs(levels - levels.rounded()) < 1e-6 && levels > 0.5 ? "\(Int(levels.rounded()))/255" : "\(radius)"
    }
}
