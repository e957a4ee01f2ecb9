import Diagnostics
import NeuralNet

/// Every key a recipe has: parsing, checks, `--set`, and the printed recipe all come from this table.
package enum RecipeSchema {
    package static let fields: [RecipeField] = [
        field("mode", .choice(["natural", "at", "sip-at"]), .text("sip-at"), "train on clean images, adversarially, or adversarially with salient pixels protected"),
        field("seed", .integer(0...Int.max), .integer(0), "every random choice follows from it"),
        field("epochs", .integer(1...1_000_000), .integer(200), "passes over the training set"),

        field("data.name", .choice(["cifar10", "cifar100", "mnist", "synthetic"]), .text("cifar10"), "the data set"),
        field("data.directory", .text, .text(""), "where its files are; synthetic needs none", mayChange: true),
        field("data.validation", .number(0...0.5), .number(0.1), "share of the training set held out, stratified by class"),
        field("data.limit", .integer(0...Int.max), .integer(0), "train on this many images only, balanced over classes; 0 for all"),
        field("data.batch", .integer(1...1_000_000), .integer(128), "images per step, over all ranks"),
        field("data.microBatch", .integer(2...65_536), .integer(32), "images that share BatchNorm statistics; ranks own whole micro-batches"),

        field("synthetic.classes", .integer(2...100), .integer(10), "classes of the built-in data"),
        field("synthetic.size", .integer(8...1024), .integer(32), "height and width in pixels"),
        field("synthetic.channels", .choice(["1", "3"]), .text("3"), "grey or colour"),
        field("synthetic.train", .integer(1...10_000_000), .integer(4000), "training images"),
        field("synthetic.test", .integer(1...10_000_000), .integer(1000), "test images"),
        field("synthetic.difficulty", .number(0...1), .number(0.5), "0 is easy"),
        field("synthetic.backgroundCorrelation", .number(0...1), .number(0.7), "how often the background gives the class away"),
        field("synthetic.seed", .integer(0...Int.max), .integer(0), "which images are drawn"),

        field("augmentation.crop", .integer(0...64), .integer(4), "random crop after padding by this many pixels"),
        field("augmentation.flip", .flag, .flag(true), "random horizontal flip"),

        field("model.name", .choice(ModelConfiguration.names), .text("resnet18"), "the network"),
        field("model.width", .integer(0...4096), .integer(0), "channels of the first block; 0 for the network's own"),
        field("model.stem", .choice(ModelConfiguration.Stem.allCases.map(\.rawValue)), .text("cifar"), "3×3 convolution, or 7×7 with stride 2 and a max-pool"),
        field("model.depth", .integer(0...1000), .integer(0), "layers of a wide-resnet; 0 for its own"),
        field("model.widen", .integer(0...64), .integer(0), "widening factor of a wide-resnet; 0 for its own"),

        field("attack.norm", .choice(["linf", "l2"]), .text("linf"), "norm of the perturbation"),
        field("attack.epsilon", .number(0...1000), .number(8.0 / 255), "radius, images being in [0, 1]"),
        field("attack.epsilonSalient", .number(0...1000), .number(0), "radius on salient pixels; 0 protects them, epsilon is plain adversarial training"),
        field("attack.stepSize", .number(0...100), .number(2.0 / 255), "length of one step"),
        field("attack.steps", .integer(1...100_000), .integer(10), "gradient steps per batch"),
        field("attack.randomStart", .flag, .flag(true), "begin at a random point of the ball"),
        field("attack.batchNorm", .choice(["eval", "train"]), .text("eval"), "statistics BatchNorm uses during the attack"),
        field("attack.mask", .choice(["binary", "soft", "inverted"]), .text("binary"), "how salience becomes the perturbation mask"),
        field("attack.threshold", .number(0...1), .number(0.5), "binary: a pixel may change if 1 − salience is at least this"),
        field("attack.maskWhen", .choice(["every-step", "final"]), .text("every-step"), "project onto the mask in each step, or mask the finished perturbation"),

        field("salience.maps", .text, .text(""), "an .npy of [images, height, width]; empty: the synthetic data's own", mayChange: true),
        field("salience.estimator", .choice(["none", "spectral-residual", "centre-prior"]), .text("none"), "estimate the maps instead of reading them"),
        field("salience.unannotated", .number(0...1), .number(0), "share of images treated as if they had no map"),

        field("optimizer.lr", .number(0...1000), .number(0.1), "learning rate (its peak, for one-cycle)"),
        field("optimizer.momentum", .number(0...1), .number(0.9), "momentum of SGD"),
        field("optimizer.nesterov", .flag, .flag(false), "Nesterov's form of it"),
        field("optimizer.weightDecay", .number(0...10), .number(5e-4), "L2 penalty on every parameter"),
        field("optimizer.labelSmoothing", .number(0...0.99), .number(0), "share of the target spread over all classes"),

        field("schedule.name", .choice(["constant", "step", "multi-step", "cosine", "one-cycle"]), .text("multi-step"), "how the learning rate changes"),
        field("schedule.stepEpochs", .integer(1...1_000_000), .integer(10), "step: epochs between drops"),
        field("schedule.milestones", .integers, .integers([100, 150]), "multi-step: epochs after which it drops"),
        field("schedule.gamma", .number(0...1), .number(0.1), "step and multi-step: factor of a drop"),
        field("schedule.warmupEpochs", .number(0...1000), .number(0), "epochs of linear increase before the schedule"),
        field("schedule.peak", .number(0.01...0.99), .number(0.3), "one-cycle: share of the run at which the peak is reached"),

        field("validation.every", .integer(1...1_000_000), .integer(1), "epochs between validations", mayChange: true),
        field("validation.batch", .integer(1...65_536), .integer(128), "images at a time", mayChange: true),
        field("validation.limit", .integer(0...Int.max), .integer(1000), "images of the validation set attacked; 0 for all", mayChange: true),
        field("validation.steps", .integer(1...100_000), .integer(10), "gradient steps of the attack", mayChange: true),
        field("validation.metric", .choice(["automatic", "clean", "robust"]), .text("automatic"), "accuracy that picks the best checkpoint; automatic: clean in natural mode, else robust"),
        field("validation.patience", .integer(0...1_000_000), .integer(0), "stop after this many validations without a better one; 0 never", mayChange: true),

        field("checkpoint.everyEpochs", .integer(1...1_000_000), .integer(1), "epochs between checkpoints", mayChange: true),
        field("checkpoint.everySteps", .integer(0...Int.max), .integer(0), "and steps between them, inside an epoch; 0 for none", mayChange: true),
        field("checkpoint.keep", .integer(1...10_000), .integer(2), "newest checkpoints kept, besides the best", mayChange: true),

        field("communication.reduction", .choice(ReductionAlgorithm.allCases.map(\.rawValue)), .text("reproducible"), "sum gradients in an order that no rank count changes, as MPI pleases, or in bfloat16 with error feedback (half the bytes; results then depend on the number of ranks, and on where a run is resumed)"),
        field("communication.bucketMegabytes", .number(0.001...4096), .number(4), "gradients sent at a time while the backward pass goes on", mayChange: true),
        field("communication.watchdogMinutes", .number(0...100_000), .number(10), "give up after so long without progress; 0 never", mayChange: true),
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
        let sameName = fields.filter { $0.name == name }.map(\.path)
        if let path = nearestName(to: path, among: sameName) ?? sameName.first { return path }
        let neighbours = fields.filter { $0.group == group }
        let alike = neighbours.first { name.count >= 2 && $0.name.count >= 2 && ($0.name.hasPrefix(name) || name.hasPrefix($0.name)) }
        if let path = alike?.path { return path }
        if let name = nearestName(to: name, among: neighbours.map(\.name)) { return neighbours.first { $0.name == name }?.path }
        if let path = nearestName(to: path, among: fields.map(\.path) + groups.sorted() + ["base"]) { return path }
        let near = nearestName(to: name, among: fields.map(\.name))
        return fields.first { $0.name == near }?.path
    }

    private static func field(
        _ path: String, _ kind: RecipeField.Kind, _ standard: RecipeValue, _ about: String, mayChange: Bool = false
    ) -> RecipeField {
        RecipeField(path: path, kind: kind, standard: standard, about: about, mayChange: mayChange)
    }
}
