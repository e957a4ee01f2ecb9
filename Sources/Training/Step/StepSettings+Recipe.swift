import Recipes

extension StepSettings {
    /// What the step does in the recipe's mode. Plain adversarial training is SIP-AT without a mask.
    package init(_ recipe: Recipe) throws {
        self.init(
            attack: recipe.mode == .natural ? nil : Attack(recipe.attackSettings, batchNorm: recipe.attack.batchNorm),
            mask: recipe.mode == .sipAT ? try recipe.mask() : nil, labelSmoothing: Float(recipe.optimizer.labelSmoothing),
            seed: recipe.randomSeed)
    }
}
