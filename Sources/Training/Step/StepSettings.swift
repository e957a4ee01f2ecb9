import Attacks
import Recipes
import Salience

/// What one training step does, apart from the optimizer.
package struct StepSettings: Sendable {
    /// The attack made on each batch before the update.
    package struct Attack: Sendable {
        package var settings: AttackSettings
        /// Which statistics BatchNorm uses while the attack looks for a perturbation.
        package var batchNorm: Recipe.Attack.BatchNorm

        package init(_ settings: AttackSettings, batchNorm: Recipe.Attack.BatchNorm = .evaluation) {
            self.settings = settings
            self.batchNorm = batchNorm
        }
    }

    /// Nil trains on clean images.
    package var attack: Attack?
    /// How salience maps become perturbation masks; nil perturbs every pixel (plain adversarial training).
    package var mask: PerturbationMask?
    package var labelSmoothing: Float
    package var seed: UInt64

    package init(attack: Attack?, mask: PerturbationMask?, labelSmoothing: Float = 0, seed: UInt64) {
        self.attack = attack
        self.mask = mask
        self.labelSmoothing = labelSmoothing
        self.seed = seed
    }
}
