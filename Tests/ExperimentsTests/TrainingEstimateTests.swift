import Diagnostics
import Experiments
import Recipes
import Testing

@Suite("What a run would cost")
struct TrainingEstimateTests {
    /// A pass through the network takes a second: 2 for a step of the attack, 3 for an update.
    private func estimate(_ overrides: String..., attack: Double = 8, update: Double = 3) throws -> TrainingEstimate {
        let recipe = try RecipeParser.apply(overrides, to: Recipe.builtIn("synthetic"), name: "recipe")
        return TrainingEstimate(
            recipe: recipe, ranks: 1, threads: 1, ranksPerHost: 1, stepsTimed: 5, stepsPerEpoch: 10, microBatches: 2, step: attack + update, attack: attack,
            update: update, backward: 2, optimizer: 0, validation: 100, watch: 1000, gradientBytes: 0, checkpointBytes: 0, diskBytes: 0, residentBytes: 0)
    }

    /// The last epoch is validated and watched in any case.
    @Test(arguments: [(10, 1, 10), (10, 3, 4), (9, 3, 3), (10, 20, 1)]) func aRunIsTheSumOfItsParts(epochs: Int, every: Int, looks: Int) throws {
        let run = try estimate("epochs=\(epochs)", "validation.every=\(every)", "watch.every=\(every)", "watch.action=warn", "data.validation=0.1")
        #expect(run.run == Double(epochs * 10 * 11 + looks * 1100))
        #expect(abs(run.epoch * Double(epochs) - run.run) < 1e-6)
        let alone = try estimate("epochs=\(epochs)", "data.validation=0")
        #expect(alone.run == Double(epochs * 10 * 11))
    }

    @Test func theMostCheckpointsAtATime() throws {
        let keep = try Recipe.builtIn("synthetic").checkpoint.keep
        #expect(try TrainingEstimate.checkpoints(estimate("data.validation=0").recipe) == keep + 1)
        #expect(try TrainingEstimate.checkpoints(estimate("data.validation=0.1").recipe) == keep + 2)
        #expect(try TrainingEstimate.checkpoints(estimate("data.validation=0.1", "watch.action=stop").recipe) == keep + 3)
    }

    /// Whatever the recipe is, the keys of a row make the row's method of it, and cost what they cost from any other.
    @Test func keysMakeTheMethodBesideThem() throws {
        let estimates = [
            try estimate(),
            try estimate("mode=natural", attack: 0),
            try estimate("objective.name=trades", attack: 9, update: 7),
            try estimate("awp.gamma=0.005", "mode=at", update: 6),
            try estimate("attack.name=free", "attack.replays=4", attack: 0, update: 12),
            try estimate("attack.name=n-fgsm", "watch.action=stop", attack: 2),
        ]
        for estimate in estimates {
            let methods = estimate.methods
            let replays = estimate.recipe.attack.replays
            let names = ["natural", "n-fgsm", "fgsm-rs", "free, \(replays) replays", "PGD-2", "PGD-4", "PGD-4, TRADES", "PGD-4, MART", "PGD-4, AWP"]
            #expect(methods.map(\.name) == names)
            for (method, cost) in zip(methods, [3, 5, 5, 3 * Double(replays), 7, 11, 16, 15, 14]) {
                let made = try RecipeParser.apply(method.keys, to: estimate.recipe, name: "recipe")
                #expect(made == method.recipe && abs(method.step - cost) < 1e-9, "\(method.name): \(method.keys), \(method.step) s")
                #expect((made.mode == .natural) == (method.name == "natural"))
                #expect((made.awp.gamma > 0) == method.name.hasSuffix("AWP"))
                #expect((made.objective.name == .trades) == method.name.hasSuffix("TRADES") && (made.objective.name == .mart) == method.name.hasSuffix("MART"))
                if method.name.hasPrefix("PGD") { #expect(made.attack.name == .pgd && "\(made.attack.steps)" == method.name.dropFirst(4).prefix(1)) }
                #expect(method.keys.allSatisfy { key in made.differences(from: estimate.recipe).contains { key.hasPrefix("\($0.field.path)=") } })
            }
        }
        // The step of a method that the recipe's norm has no use for is left out.
        #expect(try !estimate("attack.norm=l2").methods.contains { $0.name == "n-fgsm" })
    }

    @Test func significantDigits() {
        #expect([0.0001234, 0.12345, 0.9996, 1, 9.999, 12.345, 123.45, 123_456, 0].map { significant($0, 3) } == ["0.000123", "0.123", "1.00", "1.00", "10.0", "12.3", "123", "123456", "0"])
    }
}
