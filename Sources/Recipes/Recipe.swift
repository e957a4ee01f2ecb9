import Attacks
import Datasets
import Kernels
import NeuralNet
import Salience

/// Everything that decides a run's numbers, and a few things that do not.
///
/// The initial values are those of the built-in recipe `cifar10`. `RecipeSchema` says of each setting which values it may
/// have, what it means and how it is called in a file. Recipes are made by `builtIn(_:)`, `RecipeParser` and `Decodable`,
/// each of which checks every value, so whoever reads a setting need not.
package struct Recipe: Sendable, Hashable {
    package enum Mode: String, CaseIterable, RecipeChoice {
        case natural
        case at
        case sipAT = "sip-at"
    }

    package struct Data: Sendable, Hashable {
        package enum Channels: String, CaseIterable, RecipeChoice {
            case own
            case grey = "1"
            case colour = "3"
        }

        package var name = DatasetLoader.Name.cifar10
        package var directory = ""
        /// 0 for the packed set's own.
        package var size = 0
        package var channels = Channels.own
        package var fit = FitSettings.Rule.resize
        package var labelFrom = ""
        package var testShare = 0.2
        package var splitSeed = 0
        package var maximumPixels = 178_956_970
        package var skipBad = false
        /// Share of the training set held out.
        package var validation = 0.1
        /// 0 for all.
        package var limit = 0
        package var batch = 128
        package var microBatch = 32
    }

    package struct Synthetic: Sendable, Hashable {
        package enum Channels: String, CaseIterable, RecipeChoice {
            case grey = "1"
            case colour = "3"
        }

        package var classes = 10
        package var size = 32
        package var channels = Channels.colour
        package var train = 4000
        package var test = 1000
        package var difficulty = 0.5
        package var backgroundCorrelation = 0.7
        package var seed = 0
    }

    package struct Augmentation: Sendable, Hashable {
        package var crop = 4
        package var flip = true
        /// 0 for none.
        package var resizedCrop = 0.0
    }

    package struct Model: Sendable, Hashable {
        package var name = "resnet18"
        /// 0 for the network's own, as `depth` and `widen`.
        package var width = 0
        package var stem = ModelConfiguration.Stem.cifar
        package var depth = 0
        package var widen = 0
        package var mean = ChannelConstants.none
        package var std = ChannelConstants.none
        package var initialisation = WeightDraw.torchvision
        /// A run's folder, a checkpoint's, or a safetensors file; empty for random weights.
        package var weights = ""
    }

    package struct Attack: Sendable, Hashable {
        package enum BatchNorm: String, CaseIterable, RecipeChoice {
            case evaluation = "eval"
            case training = "train"
        }

        /// How the images trained on are found.
        package enum Name: String, CaseIterable, RecipeChoice {
            /// Several steps from a random start (Madry et al., ICLR 2018).
            case pgd
            /// One step from a random start (Wong, Rice and Kolter, ICLR 2020).
            case fgsmRS = "fgsm-rs"
            /// One step from noise wider than the ball, without a projection (de Jorge et al., NeurIPS 2022).
            case nFGSM = "n-fgsm"
            /// Each batch several times, each time a step of weights and perturbation from the same gradient (Shafahi et al.,
            /// NeurIPS 2019).
            case free
        }

        /// Where the steps of PGD begin.
        package enum Start: String, CaseIterable, RecipeChoice {
            case automatic
            case uniform
            case normal
        }

        package var name = Name.pgd
        package var norm = Norm.linf
        package var epsilon = 8.0 / 255
        package var epsilonSalient = 0.0
        package var stepSize = 2.0 / 255
        package var steps = 10
        package var randomStart = true
        package var start = Start.automatic
        /// Of the single-step methods, as a multiple of epsilon; 0 for the paper's.
        package var stepRatio = 0.0
        package var noiseRatio = 2.0
        package var replays = 8
        package var warmupEpochs = 0.0
        package var batchNorm = BatchNorm.evaluation
        package var mask = PerturbationMask.Name.binary
        package var threshold = 0.5
        package var maskWhen = AttackSettings.MaskTime.everyStep
        package var precision = ProductPrecision.float32
    }

    package struct Objective: Sendable, Hashable {
        package enum Name: String, CaseIterable, RecipeChoice {
            case crossEntropy = "cross-entropy"
            case trades
            case mart
        }

        package var name = Name.crossEntropy
        package var beta = 6.0
    }

    /// Adversarial weight perturbation.
    package struct WeightPerturbation: Sendable, Hashable {
        /// 0 for none.
        package var gamma = 0.0
        package var warmupEpochs = 0
        package var lr = 0.01
    }

    /// The moving average of the weights.
    package struct Average: Sendable, Hashable {
        /// 0 for none.
        package var decay = 0.0
    }

    package struct SalienceSource: Sendable, Hashable {
        /// What `estimator` says where no maps are to be estimated.
        package static let noEstimator = "none"

        /// Whose map an image gets.
        package enum Choice: String, CaseIterable, RecipeChoice {
            case own
            case random
            case shuffled
            case centrePrior = "centre-prior"
        }

        package var maps = ""
        package var estimator = noEstimator
        /// The width of a centre prior that the estimator's maps are multiplied by; 0 for none.
        package var centrePrior = 0.0
        package var source = Choice.own
        /// Whether the blobs of `Choice.random` are at other places in each epoch.
        package var redraw = false
        /// The share of each image's pixels that is protected; 0 for those that pass the mask's threshold.
        package var coverage = 0.0
        /// Share of the images whose maps are ignored.
        package var unannotated = 0.0
    }

    package struct Optimizer: Sendable, Hashable {
        package var lr = 0.1
        package var momentum = 0.9
        package var nesterov = false
        package var weightDecay = 5e-4
        package var labelSmoothing = 0.0
    }

    package struct Schedule: Sendable, Hashable {
        package enum Name: String, CaseIterable, RecipeChoice {
            case constant
            case step
            case multiStep = "multi-step"
            case cosine
            case oneCycle = "one-cycle"
        }

        package var name = Name.multiStep
        package var stepEpochs = 10
        package var milestones = [100, 150]
        package var gamma = 0.1
        package var warmupEpochs = 0.0
        package var peak = 0.3
    }

    package struct Validation: Sendable, Hashable {
        package enum Metric: String, CaseIterable, RecipeChoice {
            case automatic
            case clean
            case robust
        }

        package enum Ties: String, CaseIterable, RecipeChoice {
            case earlier
            case later
        }

        package var every = 1
        package var batch = 128
        /// Images that are attacked; 0 for all.
        package var limit = 1000
        package var steps = 10
        package var metric = Metric.automatic
        package var ties = Ties.earlier
        package var patience = 0
    }

    /// The watch for catastrophic overfitting.
    package struct Watch: Sendable, Hashable {
        package enum Action: String, CaseIterable, RecipeChoice {
            /// Stop where single steps are trained on, else off.
            case automatic
            case off
            case warn
            case stop
        }

        package var action = Action.automatic
        package var every = 1
        package var images = 128
        package var steps = 10
        package var drop = 0.5
    }

    package struct Checkpoint: Sendable, Hashable {
        package var everyEpochs = 1
        /// 0 for none inside an epoch.
        package var everySteps = 0
        package var keep = 2
    }

    package struct Logging: Sendable, Hashable {
        package var tensorboard = false
    }

    package struct Communication: Sendable, Hashable {
        package var reduction = ReductionAlgorithm.reproducible
        package var bucketMegabytes = 4.0
        /// 0 for never.
        package var compareWeightsEverySteps = 0
        /// 0 for no watchdog.
        package var watchdogMinutes = 10.0
    }

    package var mode = Mode.sipAT
    package var seed = 0
    package var epochs = 200
    package var data = Data()
    package var synthetic = Synthetic()
    package var augmentation = Augmentation()
    package var model = Model()
    package var attack = Attack()
    package var objective = Objective()
    package var awp = WeightPerturbation()
    package var ema = Average()
    package var salience = SalienceSource()
    package var optimizer = Optimizer()
    package var schedule = Schedule()
    package var validation = Validation()
    package var watch = Watch()
    package var checkpoint = Checkpoint()
    package var logging = Logging()
    package var kernels = KernelSettings()
    package var communication = Communication()

    init() {}

    /// Whether the best checkpoint is the one with the best accuracy on clean images.
    package var picksByCleanAccuracy: Bool {
        validation.metric == .clean || validation.metric == .automatic && mode == .natural
    }

    /// A key whose value differs between two recipes.
    package typealias Difference = (field: RecipeField, old: RecipeValue, new: RecipeValue)

    /// Keys whose values differ from those in `other`, in the schema's order.
    package func differences(from other: Recipe) -> [Difference] {
        RecipeSchema.fields.compactMap { field in
            let (old, new) = (other[field], self[field])
            return old == new ? nil : (field, old, new)
        }
    }

    /// Why a run of this recipe cannot go on with the value that `difference` brings; nil if it can.
    package func objection(to difference: Difference) -> String? {
        guard difference.field.mayChange else { return "\(difference.field.path) was \(difference.old), is now \(difference.new)" }
        return difference.field.objection?(self).map {
            "\(difference.field.path) was \(difference.old), is now \(difference.new), and \($0)"
        }
    }

    /// The value of a key of the schema. Setting one of another kind than the key's changes nothing.
    package internal(set) subscript(field: RecipeField) -> RecipeValue {
        get { field.get(self) }
        set { field.set(&self, newValue) }
    }
}

extension ReductionAlgorithm: RecipeChoice {}
extension Norm: RecipeChoice {}
extension PerturbationMask.Name: RecipeChoice {}
extension AttackSettings.MaskTime: RecipeChoice {}
extension ModelConfiguration.Stem: RecipeChoice {}
extension WeightDraw: RecipeChoice {}
extension DatasetLoader.Name: RecipeChoice {}
extension FitSettings.Rule: RecipeChoice {}
