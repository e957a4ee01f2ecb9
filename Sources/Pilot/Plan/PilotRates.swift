import Diagnostics
import Experiments
import MPI
import Recipes
import Training

/// How fast this machine is at a pilot's work, with the ranks and threads it was measured with.
package struct PilotRates: Sendable, Hashable {
    /// A step of training on clean images, and on adversarial ones.
    var naturalStep: Double
    var adversarialStep: Double
    /// An image's pass forward, and its pass forward and back in an attack, all ranks at work: seconds over images.
    var forward: Double
    var iteration: Double
    /// The same in an evaluation, which keeps account of every image: as much more as small networks feel.
    var evaluation: Double
    /// Opening data and maps.
    var opening: Double

    /// What an evaluation's attack spends on a pixel's value in each step beside the network, in seconds of one core (measured).
    private static let account = 37e-9

    package init(naturalStep: Double, adversarialStep: Double, forward: Double, iteration: Double, evaluation: Double? = nil, opening: Double) {
        self.naturalStep = naturalStep
        self.adversarialStep = adversarialStep
        self.forward = forward
        self.iteration = iteration
        self.evaluation = evaluation ?? iteration
        self.opening = opening
    }

    /// Times a few steps on random images. Collective.
    ///
    /// - Parameter opening: seconds, as measured.
    init(_ recipe: Recipe, data: TrainingData, threads: Int, opening: Double, communicator: Communicator) throws {
        let perRank = max(1, recipe.data.batch / communicator.size)
        func step(_ attackSteps: Int) throws -> Double {
            let settings = try communicator.agreeing {
                StepBenchmark.Settings(
                    model: try recipe.modelConfiguration(), input: data.dataset.imageShape, classes: data.dataset.classes, batch: perRank,
                    microBatch: min(recipe.data.microBatch, perRank), pgdSteps: attackSteps, repeats: 7, threads: threads)
            }
            return try StepBenchmark.run(settings, communicator: communicator).stepSeconds * Double(recipe.data.batch) / Double(perRank * communicator.size)
        }
        let (natural, adversarial) = (try step(0), try step(max(1, recipe.attack.steps)))
        let iteration = max(adversarial - natural, 0.05 * natural) / Double(max(1, recipe.attack.steps) * recipe.data.batch)
        self.init(
            naturalStep: natural, adversarialStep: adversarial, forward: 0.45 * iteration, iteration: iteration,
            evaluation: iteration + Self.account * Double(data.dataset.imageShape.count) / Double(communicator.size * max(1, threads)),
            opening: try communicator.broadcast(opening))
    }
}

/// What a pilot will probably take, in seconds.
package struct PilotEstimate: Sendable, Hashable {
    package var training: [PilotMethod: Double] = [:]
    package var evaluation = 0.0
    package var checks = 0.0
    package var rest = 0.0

    package var total: Double { training.values.reduce(0, +) + evaluation + checks + rest }

    /// How many of the images that an attack is given it has to work on to its end, taken over models and radii.
    private static let standing = 0.7

    /// - Parameters:
    ///   - trained, heldOut: images.
    ///   - tested: test images that are evaluated.
    package init(_ plan: PilotPlan, rates: PilotRates, trained: Int, heldOut: Int, tested: Int) throws {
        let recipe = try plan.baseRecipe()
        let steps = Double((trained + recipe.data.batch - 1) / recipe.data.batch)
        let attacked = Double(min(recipe.validation.limit == 0 ? heldOut : recipe.validation.limit, heldOut))
        let validation =
            Double(heldOut) * rates.forward + attacked * (rates.forward + Double(recipe.validation.steps) * rates.iteration * Self.standing)
        let validations = Double(max(1, recipe.epochs / max(1, recipe.validation.every)))
        let models = Double(plan.seeds.count)
        // A model's folder, its checkpoints.
        let overhead = rates.opening + 0.3
        for method in plan.allMethods {
            let step = method == .natural ? rates.naturalStep : rates.adversarialStep
            training[method] = models * (Double(recipe.epochs) * steps * step + validations * (validation + 0.03) + overhead)
        }
        let passes = Self.passes(plan)
        let chains = Double(plan.evaluation.radii.count * plan.evaluation.regions.count)
        let evaluations = models * Double(plan.allMethods.count)
        let images = Double(tested)
        let one = images * (rates.forward + chains * Self.standing * passes * rates.evaluation) + 13 * images * rates.forward + overhead
        // Its pictures: eight images attacked by themselves.
        evaluation = evaluations * (one + 8 * passes * rates.evaluation * 2)
        let checked = plan.evaluation.checked.count { name in plan.allMethods.contains { $0.rawValue == name } }
        checks = Double(checked) * Double(min(64, tested)) * 0.4 * (1200 + 3000 * 0.45) * rates.evaluation
        rest = 3 * rates.opening + 1
    }

    /// Passes forward and back that an image costs which withstands the attacks; what comes second meets fewer images.
    private static func passes(_ plan: PilotPlan) -> Double {
        plan.attacks.enumerated().reduce(0.0) { sum, attack in sum + passes(of: attack.element, plan) * (attack.offset == 0 ? 1 : 0.8) }
    }

    private static func passes(of attack: String, _ plan: PilotPlan) -> Double {
        switch attack {
        case "pgd": Double(plan.evaluation.steps * plan.evaluation.restarts)
        case "fgsm", "fgsm-rs": 2
        case "apgd-ce", "apgd-dlr": 100
        case "apgd-t": 900
        case "fab-t": 1800
        case "square": 5000 * 0.45
        case "autoattack": 100 + 900 + 1800 + 2250
        default: 8000
        }
    }
}
