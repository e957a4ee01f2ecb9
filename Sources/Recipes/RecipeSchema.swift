import Diagnostics
import NeuralNet
import Salience

/// Every key a recipe has and the setting it stands for: parsing, checks, `--set`, and the printed recipe all come from this
/// table.
package enum RecipeSchema {
    package static let fields: [RecipeField] = [
        field("mode", \.mode, "train on clean images, adversarially, or adversarially with salient pixels protected"),
        field("seed", \.seed, .integer(0...Int.max), "every random choice follows from it"),
        field("epochs", \.epochs, .integer(1...1_000_000), "passes over the training set; a resumed run may have more", mayChange: true),

        field("data.name", \.data.name, "the data set"),
        field("data.directory", \.data.directory, "where its files are; synthetic needs none", mayChange: true),
        field("data.size", \.data.size, .integer(0...4096), "images: height and width; 0: the packed set's own, 64 for files"),
        field("data.channels", \.data.channels, "images: grey or colour; own: the packed set's own, colour for files"),
        field("data.fit", \.data.fit, "images: resize the whole, or the shorter side and keep the middle"),
        field("data.labelFrom", \.data.labelFrom, "images: a regular expression whose first group, in a file's name, is its label; empty: folders are"),
        field("data.testShare", \.data.testShare, .number(0...0.9), "images: share drawn for testing where there is no test split, stratified, groups together"),
        field("data.splitSeed", \.data.splitSeed, .integer(0...Int.max), "images: which are drawn for testing"),
        field("data.maximumPixels", \.data.maximumPixels, .integer(1...Int.max), "images: larger ones are refused", mayChange: true),
        field("data.skipBad", \.data.skipBad, "images: decode all files first, do without those that cannot be used, and record them in left-out.json"),
        field("data.validation", \.data.validation, .number(0...0.5), "share of the training set held out, stratified by class"),
        field("data.limit", \.data.limit, .integer(0...Int.max), "train on this many images only, balanced over classes; 0 for all"),
        field("data.batch", \.data.batch, .integer(1...1_000_000), "images per step, over all ranks"),
        field("data.microBatch", \.data.microBatch, .integer(2...65_536), "images that share BatchNorm statistics; ranks own whole micro-batches"),

        field("synthetic.classes", \.synthetic.classes, .integer(2...100), "classes of the built-in data"),
        field("synthetic.size", \.synthetic.size, .integer(8...1024), "height and width in pixels"),
        field("synthetic.channels", \.synthetic.channels, "grey or colour"),
        field("synthetic.train", \.synthetic.train, .integer(1...10_000_000), "training images"),
        field("synthetic.test", \.synthetic.test, .integer(1...10_000_000), "test images"),
        field("synthetic.difficulty", \.synthetic.difficulty, .number(0...1), "0 is easy"),
        field("synthetic.backgroundCorrelation", \.synthetic.backgroundCorrelation, .number(0...1), "how often the background gives the class away"),
        field("synthetic.seed", \.synthetic.seed, .integer(0...Int.max), "which images are drawn"),

        field("augmentation.crop", \.augmentation.crop, .integer(0...64), "random crop after padding by this many pixels"),
        field("augmentation.flip", \.augmentation.flip, "random horizontal flip"),
        field("augmentation.resizedCrop", \.augmentation.resizedCrop, .number(0...1), "instead of crop: a random part of at least this share of the image, resized (0.08 is common for ImageNet); 0 for none"),

        field("model.name", \.model.name, .name(ModelConfiguration.names, ModelConfiguration.isKnown), "the network"),
        field("model.width", \.model.width, .integer(0...4096), "channels of the first block; 0 for the network's own"),
        field("model.stem", \.model.stem, "3×3 convolution, or 7×7 with stride 2 and a max-pool"),
        field("model.depth", \.model.depth, .integer(0...1000), "layers of a wide-resnet; 0 for its own"),
        field("model.widen", \.model.widen, .integer(0...64), "widening factor of a wide-resnet; 0 for its own"),
        field("model.mean", \.model.mean, .channels(0...1), "the model subtracts it from its images, which are in [0, 1]"),
        field("model.std", \.model.std, .channels(0.001...1), "and then divides by this; radii stay in units of pixels"),
        field("model.initialisation", \.model.initialisation, "random weights as torchvision's ResNets and DenseNets have them, or as PyTorch's layers do by themselves"),
        field("model.weights", \.model.weights, "begin from a run, a checkpoint or a PyTorch state_dict in safetensors, with a new last layer for other classes; empty: at random"),

        field("attack.name", \.attack.name, "several steps, or one of the cheap ones: a step from a random start, from wide noise, each batch several times over (free: the perturbation begins with zeros in each epoch and smaller last batch; its authors keep it)"),
        field("attack.norm", \.attack.norm, "norm of the perturbation"),
        field("attack.epsilon", \.attack.epsilon, .number(0...1000), "radius, images being in [0, 1]"),
        field("attack.epsilonSalient", \.attack.epsilonSalient, .number(0...1000), "radius on salient pixels; 0 protects them, epsilon is plain adversarial training"),
        field("attack.stepSize", \.attack.stepSize, .number(0...100), "pgd: length of one step"),
        field("attack.steps", \.attack.steps, .integer(1...100_000), "pgd: gradient steps per batch"),
        field("attack.randomStart", \.attack.randomStart, "pgd: begin at a random point of the ball"),
        field("attack.start", \.attack.start, "pgd: which: uniform in the ball, or the image plus normal noise of 0.001; automatic: normal for the objectives trades and mart, else uniform"),
        field("attack.stepRatio", \.attack.stepRatio, .number(0...10), "fgsm-rs, n-fgsm, free: length of the step as a multiple of epsilon; 0 for the paper's 1.25, 1, 1"),
        field("attack.noiseRatio", \.attack.noiseRatio, .number(0...10), "n-fgsm: the noise is uniform in ± this many epsilon"),
        field("attack.replays", \.attack.replays, .integer(1...1000), "free: times that each batch is trained on; an epoch is as many epochs' work"),
        field("attack.warmupEpochs", \.attack.warmupEpochs, .number(0...1_000_000), "epochs in which radii and steps grow linearly from 0 to their full size"),
        field("attack.batchNorm", \.attack.batchNorm, "statistics BatchNorm uses during the attack"),
        field("attack.mask", \.attack.mask, "how salience becomes the perturbation mask"),
        field("attack.threshold", \.attack.threshold, .number(0...1), "binary: a pixel may change if 1 − salience is at least this"),
        field("attack.maskWhen", \.attack.maskWhen, "project onto the mask in each step, or mask the finished perturbation"),
        field("attack.precision", \.attack.precision, "of the attack's products; bfloat16: operands rounded, sums in float32, faster on CPUs with AVX512-BF16; the update stays float32"),

        field("objective.name", \.objective.name, "what is minimised: the loss of the attacked images, or with TRADES or MART of pairs, clean and attacked"),
        field("objective.beta", \.objective.beta, .number(0...1000), "trades, mart: weight of the pairs' divergence, against clean accuracy"),

        field("salience.maps", \.salience.maps, "a store of maps, or an .npy of [images, height, width]; empty: the synthetic data's own", mayChange: true),
        field("salience.estimator", \.salience.estimator, .choice([Recipe.SalienceSource.noEstimator] + salienceEstimatorNames), "estimate the maps instead of reading them"),
        field("salience.centrePrior", \.salience.centrePrior, .number(0...100), "multiply the estimator's maps by a Gaussian around the centre of this width, as a share of the image's; 0: none"),
        field("salience.source", \.salience.source, "each image's own map, or a control: a random blob of its area, another image's map, as many central pixels"),
        field("salience.redraw", \.salience.redraw, "salience.source random: blobs at other places in each epoch, so that no pixel stays protected"),
        field("salience.coverage", \.salience.coverage, .number(0...1), "protect exactly this share of each image that has a map, its most salient pixels; 0: those that pass attack.threshold"),
        field("salience.unannotated", \.salience.unannotated, .number(0...1), "share of images treated as if they had no map"),

        field("optimizer.lr", \.optimizer.lr, .number(0...1000), "learning rate (its peak, for one-cycle)"),
        field("optimizer.momentum", \.optimizer.momentum, .number(0...1), "momentum of SGD"),
        field("optimizer.nesterov", \.optimizer.nesterov, "Nesterov's form of it"),
        field("optimizer.weightDecay", \.optimizer.weightDecay, .number(0...10), "L2 penalty on every parameter"),
        field("optimizer.labelSmoothing", \.optimizer.labelSmoothing, .number(0...0.99), "share of the target spread over all classes"),

        field("schedule.name", \.schedule.name, "how the learning rate changes"),
        field("schedule.stepEpochs", \.schedule.stepEpochs, .integer(1...1_000_000), "step: epochs between drops"),
        field("schedule.milestones", \.schedule.milestones, .integers, "multi-step: epochs after which it drops"),
        field("schedule.gamma", \.schedule.gamma, .number(0...1), "step and multi-step: factor of a drop"),
        field("schedule.warmupEpochs", \.schedule.warmupEpochs, .number(0...1000), "epochs of linear increase before the schedule"),
        field("schedule.peak", \.schedule.peak, .number(0.01...0.99), "one-cycle: share of the run at which the peak is reached"),

        field("awp.gamma", \.awp.gamma, .number(0...1), "also perturb the weights adversarially, by this share of each tensor's norm (0.01 for adversarial training, 0.005 for TRADES); 0 for not"),
        field("awp.warmupEpochs", \.awp.warmupEpochs, .integer(0...1_000_000), "epochs before it begins"),
        field("awp.lr", \.awp.lr, .number(1e-9...1000), "learning rate of the step that finds its direction; only the direction counts, unless gradients vanish"),

        field("ema.decay", \.ema.decay, .number(0...0.999999), "keep a moving average of the weights, which is validated and evaluated (0.995 to 0.9999 are common); 0 for none"),

        field("validation.every", \.validation.every, .integer(1...1_000_000), "epochs between validations, each after a checkpoint", mayChange: true),
        field("validation.batch", \.validation.batch, .integer(1...65_536), "images at a time", mayChange: true),
        field("validation.limit", \.validation.limit, .integer(0...Int.max), "images of the validation set attacked; 0 for all", mayChange: true),
        field("validation.steps", \.validation.steps, .integer(1...100_000), "gradient steps of the attack", mayChange: true),
        field("validation.metric", \.validation.metric, "accuracy that picks the best checkpoint; automatic: clean in natural mode, else robust"),
        field("validation.ties", \.validation.ties, "which of epochs that are equally good is the best"),
        field("validation.patience", \.validation.patience, .integer(0...1_000_000), "stop after this many validations without a better one; 0 never", mayChange: true),

        field("watch.action", \.watch.action, "what to do when robust accuracy collapses (catastrophic overfitting); stop goes back to the last good checkpoint; automatic: stop with single-step attacks (also pgd of one step), else off", mayChange: true),
        field("watch.every", \.watch.every, .integer(1...1_000_000), "epochs between looks", mayChange: true),
        field("watch.images", \.watch.images, .integer(8...1_000_000), "held-out images that are attacked by PGD, everywhere and inside the mask"),
        field("watch.steps", \.watch.steps, .integer(1...100_000), "gradient steps of that attack"),
        field("watch.drop", \.watch.drop, .number(0.05...0.95), "a collapse: this share of the best accuracy so far is lost", mayChange: true),

        field("checkpoint.everyEpochs", \.checkpoint.everyEpochs, .integer(1...1_000_000), "epochs between checkpoints", mayChange: true),
        field("checkpoint.everySteps", \.checkpoint.everySteps, .integer(0...Int.max), "and steps between them, inside an epoch; 0 for none", mayChange: true),
        field("checkpoint.keep", \.checkpoint.keep, .integer(1...10_000), "newest checkpoints kept, besides the best", mayChange: true),

        field("logging.tensorboard", \.logging.tensorboard, "write the numbers of metrics.jsonl as TensorBoard's event files, too", mayChange: true),

        field("kernels.backend", \.kernels.backend, "what computes convolutions: our own loops, OpenBLAS, or for each layer the faster of the two; the results differ in their last bits", mayChange: true),

        field("communication.reduction", \.communication.reduction, "sum gradients in an order that no rank count changes, as MPI pleases, or in bfloat16 with error feedback (half the bytes; results then depend on the number of ranks, and on where a run is resumed)"),
        field("communication.bucketMegabytes", \.communication.bucketMegabytes, .number(0.001...4096), "gradients sent at a time while the backward pass goes on", mayChange: true) { recipe in
            // Only the reproducible sums do not depend on how the gradients are cut.
            recipe.communication.reduction == .reproducible ? nil : "the sums depend on it with communication.reduction \(recipe.communication.reduction.rawValue)"
        },
        field("communication.compareWeightsEverySteps", \.communication.compareWeightsEverySteps, .integer(0...Int.max), "steps between comparisons of the weights over ranks; 0 for none", mayChange: true),
        field("communication.watchdogMinutes", \.communication.watchdogMinutes, .number(0...100_000), "give up after so long without progress; 0 never", mayChange: true),
    ]

    package static let byPath: [String: RecipeField] = Dictionary(uniqueKeysWithValues: fields.map { ($0.path, $0) })

    /// Names of the groups, such as `attack`.
    package static let groups: Set<String> = Set(
        fields.compactMap { $0.path.contains(".") ? String($0.path.prefix { $0 != "." }) : nil })

    /// The key (or group) that a misspelt one probably stands for: the same name elsewhere, one that begins alike or is
    /// nearly the same in its group, or any that is nearly the same.
    static func nearest(to path: String, isGroup: Bool) -> String? {
        if isGroup { return nearestName(to: path, among: groups.sorted()) }
        let dot = path.firstIndex(of: ".")
        let name = dot.map { String(path[path.index(after: $0)...]) } ?? path
        let group = dot.map { String(path[..<$0]) }
        let meant = plain(aliases[plain(name)] ?? name)
        let sameName = fields.filter { plain($0.name) == meant }.map(\.path)
        if let path = nearestName(to: path, among: sameName) ?? sameName.first { return path }
        let neighbours = fields.filter { $0.group == group }
        let alike = neighbours.first { name.count >= 2 && $0.name.count >= 2 && ($0.name.hasPrefix(name) || name.hasPrefix($0.name)) }
        if let path = alike?.path { return path }
        if let name = nearestName(to: name, among: neighbours.map(\.name)) { return neighbours.first { $0.name == name }?.path }
        if let path = nearestName(to: path, among: fields.map(\.path) + groups.sorted() + ["base"]) { return path }
        let near = nearestName(to: name, among: fields.map(\.name))
        return fields.first { $0.name == near }?.path
    }

    /// A name without what people write differently.
    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" && $0 != "-" } }

    /// What other programs call the keys, without capitals and underscores.
    private static let aliases = [
        "learningrate": "lr", "eta": "lr", "maxlr": "lr", "lrmax": "lr", "wd": "weightDecay", "l2": "weightDecay", "smoothing": "labelSmoothing",
        "eps": "epsilon", "radius": "epsilon", "alpha": "stepSize", "epsstep": "stepSize", "epsiter": "stepSize", "numsteps": "steps",
        "nbiter": "steps", "iterations": "steps", "iters": "steps", "attackiters": "steps", "pgdsteps": "steps", "batchsize": "batch",
        "minibatch": "batch", "microbatchsize": "microBatch", "numepochs": "epochs", "nepochs": "epochs", "maxepochs": "epochs", "dir": "directory", "path": "directory", "root": "directory",
        "dataset": "name", "arch": "name", "architecture": "name", "randstart": "randomStart", "randominit": "randomStart", "warmup": "warmupEpochs",
        "lrdecay": "gamma", "earlystopping": "patience", "numclasses": "classes", "imagesize": "size", "depth": "depth", "savefreq": "everyEpochs",
        "manualseed": "seed", "randomseed": "seed",
        "initialization": "initialisation", "init": "initialisation", "minibatchreplays": "replays", "awpgamma": "gamma", "emadecay": "decay", "tau": "decay",
    ]

    private static func field<Value: RecipeConvertible>(
        _ path: String, _ setting: WritableKeyPath<Recipe, Value> & Sendable, _ kind: RecipeField.Kind, _ about: String,
        mayChange: Bool = false, unless objection: (@Sendable (Recipe) -> String?)? = nil
    ) -> RecipeField {
        RecipeField(
            path: path, kind: kind, standard: Recipe()[keyPath: setting].recipeValue, about: about, mayChange: mayChange,
            objection: objection,
            get: { $0[keyPath: setting].recipeValue },
            set: { recipe, value in if let value = Value(value) { recipe[keyPath: setting] = value } })
    }

    private static func field(
        _ path: String, _ setting: WritableKeyPath<Recipe, Bool> & Sendable, _ about: String, mayChange: Bool = false
    ) -> RecipeField { field(path, setting, .flag, about, mayChange: mayChange) }

    private static func field(
        _ path: String, _ setting: WritableKeyPath<Recipe, String> & Sendable, _ about: String, mayChange: Bool = false
    ) -> RecipeField { field(path, setting, .text, about, mayChange: mayChange) }

    private static func field<Value: RecipeChoice>(
        _ path: String, _ setting: WritableKeyPath<Recipe, Value> & Sendable, _ about: String, mayChange: Bool = false
    ) -> RecipeField { field(path, setting, .choice(Value.names), about, mayChange: mayChange) }
}
