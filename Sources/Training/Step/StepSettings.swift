import Attacks
import Kernels
import Recipes
import Salience

/// What one training step does, apart from the optimizer.
package struct StepSettings: Sendable {
    /// The attack made on each batch before the update.
    package struct Attack: Sendable {
        package var settings: AttackSettings
        package var loss: AscentLoss
        /// Nil for what `settings` say.
        package var start: AscentStart?
        /// Which statistics BatchNorm uses while the attack looks for a perturbation.
        package var batchNorm: Recipe.Attack.BatchNorm
        /// Of the operands of its products, where BatchNorm uses its running statistics.
        package var precision = ProductPrecision.float32
        /// Free adversarial training instead of an ascent: each batch is trained on so often. 0 for an ascent.
        package var replays = 0
        /// Steps in which radii and step size grow to their full size.
        package var warmupSteps = 0.0

        package init(
            _ settings: AttackSettings, loss: AscentLoss = .crossEntropy, start: AscentStart? = nil,
            batchNorm: Recipe.Attack.BatchNorm = .evaluation
        ) {
            self.settings = settings
            self.loss = loss
            self.start = start
            self.batchNorm = batchNorm
        }

        /// The attack at a step, counted from 0 over the whole run.
        func settings(step: Int) -> AttackSettings {
            Double(step + 1) < warmupSteps ? settings.scaled(by: Float(Double(step + 1) / warmupSteps)) : settings
        }
    }

    /// What the update minimises.
    package enum Objective: Sendable, Hashable {
        case crossEntropy
        case trades(beta: Double)
        case mart(beta: Double)
    }

    /// Adversarial weight perturbation on top of the objective.
    package struct WeightPerturbation: Sendable, Hashable {
        /// Size of each tensor's perturbation, as a share of its norm.
        package var gamma: Float
        /// Learning rate of the step that gives its direction.
        package var rate: Float
        package var firstEpoch: Int

        package init(gamma: Float, rate: Float = 0.01, firstEpoch: Int = 0) {
            self.gamma = gamma
            self.rate = rate
            self.firstEpoch = firstEpoch
        }
    }

    /// Nil trains on clean images.
    package var attack: Attack?
    /// How salience maps become perturbation masks; nil perturbs every pixel (plain adversarial training).
    package var mask: PerturbationMask?
    package var objective: Objective
    package var weightPerturbation: WeightPerturbation?
    /// Decay of the weights' moving average; 0 for none.
    package var averageDecay = 0.0
    package var labelSmoothing: Float
    /// What computes convolutions.
    package var backend = KernelBackend.standard
    package var seed: UInt64
    /// What places a batch in the run, and tells the last of an epoch, which may be smaller.
    package var stepsPerEpoch = 1
    package var fullBatch = 0

    package init(
        attack: Attack?, mask: PerturbationMask?, objective: Objective = .crossEntropy, weightPerturbation: WeightPerturbation? = nil,
        labelSmoothing: Float = 0, seed: UInt64
    ) {
        self.attack = attack
        self.mask = mask
        self.objective = objective
        self.weightPerturbation = weightPerturbation
        self.labelSmoothing = labelSmoothing
        self.seed = seed
    }
}
