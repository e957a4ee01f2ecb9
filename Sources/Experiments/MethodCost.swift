import Attacks
import Kernels
import Recipes

/// A method of training, what to set for it in the recipe that was measured, and what a step of it costs.
package struct MethodCost: Sendable {
    package let name: String
    /// The measured recipe, changed to this method and nothing else.
    package let recipe: Recipe
    /// `key=value` for each key that differs.
    package let keys: [String]
    /// Seconds of a step's attack and update.
    package let step: Double
    /// Epochs that are common for it.
    package let commonEpochs: String
}

extension TrainingEstimate {
    /// The methods that the recipe could have, by the step that was measured. One that its other settings do not allow is left out.
    package var methods: [MethodCost] {
        // A pass through the network, from the part of the step that is known best.
        let own = recipe.attack
        let isAttacked = recipe.mode != .natural
        let isSingle = own.name == .fgsmRS || own.name == .nFGSM
        let weights = recipe.awp.gamma > 0 ? 2.0 : 1
        let replays = own.name == .free && isAttacked ? Double(own.replays) : 1
        let pair = recipe.objective.name == .crossEntropy ? 1 : 7.0 / 3
        let update = self.update / (weights * replays * pair)
        let climbed = Double(isSingle ? 1 : own.steps) + (recipe.objective.name == .trades ? 0.5 : 0)
        let ascent = isAttacked && attack > 0.05 * self.update && own.name != .free ? attack / climbed : 2 * update / 3

        let plain = plainRecipe
        let steps = plain.attack.steps
        let pgd = Double(steps) * ascent
        func method(_ name: String, _ base: Recipe, step: Double, common: String, _ change: (inout Recipe) -> Void) -> MethodCost? {
            var changed = base
            change(&changed)
            let keys = changed.differences(from: recipe).map { "\($0.field.path)=\($0.new)" }
            guard (try? RecipeParser.apply(keys, to: recipe, name: "recipe")) == changed else { return nil }
            return MethodCost(name: name, recipe: changed, keys: keys, step: step, commonEpochs: common)
        }
        func single(_ name: Recipe.Attack.Name, step: Double, common: String, title: String? = nil) -> MethodCost? {
            method(title ?? name.rawValue, plain, step: step, common: common) { changed in
                changed.attack.name = name
                (changed.attack.steps, changed.attack.stepSize) = (own.steps, own.stepSize)
                (changed.attack.randomStart, changed.attack.start) = (true, .automatic)
                if name == .nFGSM, own.noiseRatio == 0 { changed.attack.noiseRatio = 2 }
                if name == .free { (changed.attack.maskWhen, changed.attack.precision) = (.everyStep, .float32) }
            }
        }
        let natural = method("natural", recipe, step: update, common: "30") { changed in
            changed.mode = .natural
            changed.objective.name = .crossEntropy
            changed.awp.gamma = 0
            if changed.watch.action != .off { changed.watch.action = .automatic }
        }
        let two = method("PGD-2", plain, step: 2 * ascent + update, common: "30") { changed in
            // Whole 255ths stay such: 5/255 of 8/255.
            let (size, levels) = (own.epsilon * 5 / 8, (own.epsilon * 255 * 5 / 8).rounded())
            (changed.attack.steps, changed.attack.stepSize) = (2, abs(size * 255 - levels) < 1e-6 ? levels / 255 : size)
        }
        let rows: [MethodCost?] = [
            natural,
            single(.nFGSM, step: ascent + update, common: "30"),
            single(.fgsmRS, step: ascent + update, common: "15"),
            single(.free, step: Double(own.replays) * update, common: "10", title: "free, \(own.replays) replays"),
            steps == 2 ? nil : two,
            method("PGD-\(steps)", plain, step: pgd + update, common: "30 to 200") { _ in },
            method("PGD-\(steps), TRADES", plain, step: pgd + ascent / 2 + 7 / 3 * update, common: "100") { changed in
                changed.objective.name = .trades
                changed.attack.randomStart = true
            },
            method("PGD-\(steps), MART", plain, step: pgd + 7 / 3 * update, common: "100") { changed in
                changed.objective.name = .mart
                changed.optimizer.labelSmoothing = 0
            },
            method("PGD-\(steps), AWP", plain, step: pgd + 2 * update, common: "200") { changed in
                changed.awp.gamma = recipe.awp.gamma > 0 ? recipe.awp.gamma : 0.01
                if changed.communication.reduction == .bfloat16 { changed.communication.reduction = .reproducible }
            },
        ]
        return rows.compactMap { $0 }
    }

    /// The recipe with PGD of several steps and the cross-entropy, and nothing besides.
    private var plainRecipe: Recipe {
        var plain = recipe
        if plain.mode == .natural { plain.mode = .at }
        plain.objective.name = .crossEntropy
        plain.awp.gamma = 0
        plain.attack.name = .pgd
        if plain.attack.steps < 2 || plain.attack.stepSize == 0 { (plain.attack.steps, plain.attack.stepSize) = (10, plain.attack.epsilon / 4) }
        return plain
    }
}
