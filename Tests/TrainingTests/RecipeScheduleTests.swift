import Recipes
import Testing
import Training

/// Learning rates against PyTorch 2.13's schedulers, every third step of a run of 8 epochs of 5 steps.
///
/// The expected numbers come from this program:
/// ```python
/// import torch; from torch.optim.lr_scheduler import *
/// def rates(make, steps=40, every=1):  # every: steps between the scheduler's own
///     optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4); scheduler = make(optimizer); rates = []
///     for t in range(steps):
///         rates.append(optimizer.param_groups[0]["lr"]); optimizer.step()
///         if (t + 1) % every == 0: scheduler.step()
///     return rates[::3]
/// warm = lambda o: LinearLR(o, 1 / 11, total_iters=10)
/// rates(lambda o: StepLR(o, 3, 0.75), every=5)
/// rates(lambda o: MultiStepLR(o, [2, 5], 0.1), every=5)
/// rates(lambda o: CosineAnnealingLR(o, 40))
/// rates(lambda o: OneCycleLR(o, 0.4, total_steps=40, pct_start=0.3))
/// rates(lambda o: OneCycleLR(o, 0.4, total_steps=35, pct_start=0.25), steps=35)  # 7 epochs
/// rates(lambda o: SequentialLR(o, [warm(o), CosineAnnealingLR(o, 30)], [10]))
/// rates(lambda o: ChainedScheduler([warm(o), MultiStepLR(o, [5, 25], 0.1)]))
/// ```
@Suite struct RecipeScheduleTests {
    @Test(arguments: [
        ("schedule.name=constant", [Double](repeating: 0.4, count: 14)),
        (
            "schedule.name=step schedule.stepEpochs=3 schedule.gamma=0.75",
            [0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3, 0.225, 0.225, 0.225, 0.225]
        ),
        (
            "schedule.name=multi-step schedule.milestones=[2,5]",
            [0.4, 0.4, 0.4, 0.4, 0.04, 0.04, 0.04, 0.04, 0.04, 0.004, 0.004, 0.004, 0.004, 0.004]
        ),
        (
            "schedule.name=cosine",
            [
                0.4, 0.394473984, 0.378201305, 0.352081193, 0.31755705, 0.276536686, 0.231286893, 0.184308181, 0.138196601,
                0.0955002871, 0.0585786438, 0.0294719671, 0.00978869674, 0.000616533253,
            ]
        ),
        (
            "schedule.name=one-cycle",
            [
                0.016, 0.0822667391, 0.235324449, 0.369520678, 0.398742447, 0.380193853, 0.341421591, 0.286777201,
                0.222393606, 0.155496791, 0.0935948103, 0.043635129, 0.011224889, 1.6e-06,
            ]
        ),
        (
            "schedule.name=one-cycle schedule.peak=0.25 epochs=7",
            [
                0.016, 0.141317391, 0.35368156, 0.397766174, 0.374681741, 0.329320203, 0.267466528, 0.197008931,
                0.126932887, 0.066175214, 0.0224843523, 0.00143220901,
            ]
        ),
        (
            "schedule.name=cosine schedule.warmupEpochs=2",
            [
                0.0363636364, 0.145454545, 0.254545455, 0.363636364, 0.39562952, 0.373205081, 0.333826121, 0.281347329,
                0.220905693, 0.158417662, 0.1, 0.0513710349, 0.0172909085, 0.00109562093,
            ]
        ),
        (
            "schedule.name=multi-step schedule.milestones=[1,5] schedule.warmupEpochs=2",
            [
                0.0363636364, 0.145454545, 0.0254545455, 0.0363636364, 0.04, 0.04, 0.04, 0.04, 0.04, 0.004, 0.004, 0.004,
                0.004, 0.004,
            ]
        ),
    ])
    func ratesArePyTorchs(settings: String, expected: [Double]) throws {
        let overrides = ["epochs=8", "optimizer.lr=0.4"] + settings.split(separator: " ").map(String.init)
        let recipe = try RecipeParser.apply(overrides, to: .builtIn("synthetic"), name: "test")
        let schedule = LearningRateSchedule(recipe, stepsPerEpoch: 5)
        let rates = stride(from: 0, to: recipe.epochs * 5, by: 3).map { Double(schedule.rate(step: $0)) }
        #expect(rates.count == expected.count)
        for (step, (rate, expected)) in zip(rates, expected).enumerated() {
            #expect(abs(rate - expected) <= 2e-7 * expected + 1e-12, "step \(3 * step): \(rate), PyTorch has \(expected)")
        }
    }

    /// Runs of a single step, or an odd number of them, have a rate at each.
    @Test func shortRuns() throws {
        for name in ["constant", "step", "multi-step", "cosine", "one-cycle"] {
            let recipe = try RecipeParser.apply(["epochs=1", "schedule.name=\(name)"], to: .builtIn("synthetic"), name: "test")
            for steps in 1...4 {
                let schedule = LearningRateSchedule(recipe, stepsPerEpoch: steps)
                #expect((0..<steps).allSatisfy { (0...recipe.optimizer.lr * 1.000001).contains(Double(schedule.rate(step: $0))) })
            }
        }
    }
}
