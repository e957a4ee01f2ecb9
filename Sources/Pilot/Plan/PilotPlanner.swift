import Datasets
import Diagnostics
import Experiments
import MPI
import Recipes
import Training

/// Makes a plan that fits a budget: looks at the data, times a few steps, and divides the time.
package struct PilotPlanner {
    private let request: PilotRequest

    package init(_ request: PilotRequest) { self.request = request }

    package struct Planned: Sendable {
        package var plan: PilotPlan
        /// What the user should read, a line each; also the comment above the plan.
        package var account: [String]
    }

    /// Collective; the same on every rank. Writes nothing.
    ///
    /// - Throws: `Failure.badData` for images or maps that no pilot can be made of, `.usage` for a budget that is too small.
    package func run(communicator: Communicator) throws -> Planned {
        let (plan, found) = try communicator.agreeing { try look() }
        let recipe = try plan.recipe(.sipAT, seed: 0)
        let batch = min(recipe.data.batch, found.data.training.count)
        let microBatches = (batch + recipe.data.microBatch - 1) / recipe.data.microBatch
        guard communicator.size <= microBatches else {
            throw Failure.usage(
                "\(communicator.size) ranks, but a batch of \(batch) images has only \(microBatches) micro-batch\(microBatches == 1 ? "" : "es") of \(recipe.data.microBatch)",
                remedy: "start fewer ranks, or make data.batch larger or data.microBatch smaller (--set data.microBatch=\(max(1, batch / communicator.size)))")
        }
        let rates = try PilotRates(recipe, data: found.data, threads: request.threads, opening: found.opening, communicator: communicator)
        return try communicator.agreeing { try fit(plan, found, rates, ranks: communicator.size) }
    }

    // MARK: What is there

    private struct Found {
        var data: TrainingData
        var opening: Double
        var tested: Int
        var notes: [String]
    }

    private func look() throws -> (PilotPlan, Found) {
        guard request.budget.isFinite, request.budget > 0 else { throw Failure.usage("--budget is missing", remedy: "say how long it may take: --budget 2h") }
        guard request.seeds.map({ $0 >= 1 && $0 <= 100 }) ?? true else { throw Failure.usage("--seeds is \(request.seeds!), expected 1 to 100") }
        var plan = try request.plan()
        try plan.checkConsistency(name: "the plan")
        if !plan.review.isEmpty { _ = try PilotReport.ReviewFacts.status(plan.review) }
        let start = monotonicSeconds()
        let recipe = try plan.recipe(.sipAT, seed: plan.seeds[0])
        let test = try PilotSources.test(recipe)
        let data = try TrainingData(recipe)
        let opening = monotonicSeconds() - start
        var notes = try PilotDataCheck(data, test, recipe, methods: plan.allMethods).notes
        if let images = request.images { plan.evaluation.images = images } else if test.count > 1000 { plan.evaluation.images = 1000 }
        let tested = plan.evaluation.images == 0 ? test.count : min(test.count, plan.evaluation.images)
        notes += plan.obstacles(tested: tested, groups: test.groups.map { min(Set($0).count, tested) })
        if try hasRegions(test, recipe) {
            plan.evaluation.regions = ["all", "salient", "background", "random"]
        } else {
            notes.append("the test images have no maps: attackers of parts of the image are left out")
        }
        return (plan, Found(data: data, opening: opening, tested: tested, notes: notes))
    }

    /// Whether the test images have maps of the kind that training uses.
    private func hasRegions(_ test: any ImageSource, _ recipe: Recipe) throws -> Bool {
        guard !recipe.salience.maps.isEmpty else { return test.hasSalience || recipe.salience.estimator != Recipe.SalienceSource.noEstimator }
        guard let images = try? test.attachingSalience(from: recipe.salience.maps, split: .test) else { return false }
        return images.salienceCounts.map > 0
    }

    // MARK: What fits

    /// How much is asked of a pilot, from much to little.
    private struct Choice {
        var methods: [String]
        var controls: [String]
        var seeds: Int
        var attack: String
        /// The fewest epochs, as a share of the recipe's.
        var least: Double
    }

    private var choices: [Choice] {
        let all = ["natural", "at", "at-half", "at-quarter", "sip-at"]
        let four = ["natural", "at", "at-half", "sip-at"]
        let controls = PilotMethod.controls.map(\.rawValue)
        return [
            Choice(methods: all, controls: controls, seeds: 5, attack: "autoattack", least: 1),
            Choice(methods: all, controls: controls, seeds: 3, attack: "autoattack", least: 1),
            Choice(methods: all, controls: controls, seeds: 3, attack: Self.strong, least: 1),
            Choice(methods: four, controls: controls, seeds: 3, attack: Self.strong, least: 0.8),
            Choice(methods: four, controls: controls, seeds: 3, attack: Self.quick, least: 0.5),
            Choice(methods: four, controls: ["sip-shuffled"], seeds: 3, attack: Self.quick, least: 0.4),
            Choice(methods: four, controls: controls, seeds: 3, attack: "pgd", least: 0.4),
            Choice(methods: four, controls: ["sip-shuffled"], seeds: 3, attack: "pgd", least: 0.3),
        ]
    }

    /// Breaks nearly all that AutoAttack breaks, in a tenth of the time. PGD-20 left a tenth more standing on small photographs of steel,
    /// and the self-checks called it invalid: numbers that flatter are worse than fewer epochs.
    private static let strong = "apgd-ce,apgd-dlr"

    /// Half the time of that, and within a point of it there.
    private static let quick = "pgd,apgd-dlr"

    /// A part of the time is kept for what was not foreseen.
    private static let usable = 0.96

    private func fit(_ start: PilotPlan, _ found: Found, _ rates: PilotRates, ranks: Int) throws -> Planned {
        let usual = try start.baseRecipe().epochs
        let isGiven = request.overrides.contains { $0.hasPrefix("epochs=") }
        var smallest: (plan: PilotPlan, estimate: PilotEstimate)?
        for choice in choices {
            var plan = start
            if request.methods.isEmpty { plan.methods = choice.methods }
            if request.controls == nil { plan.controls = choice.controls }
            if request.seeds == nil { plan.seeds = Array(0..<choice.seeds) }
            if request.attack == nil { plan.evaluation.attack = choice.attack }
            func estimate(_ epochs: Int) throws -> (PilotPlan, PilotEstimate) {
                var changed = plan
                if !isGiven { changed.recipe.set.append("epochs=\(epochs)") }
                return (changed, try PilotEstimate(changed, rates: rates, trained: found.data.training.count, heldOut: found.data.validation.count, tested: found.tested))
            }
            let least = isGiven ? usual : max(1, Int((choice.least * Double(usual)).rounded(.up)))
            let low = try estimate(least)
            smallest = low
            guard low.1.total <= request.budget * Self.usable else { continue }
            var best = low
            if !isGiven {
                // Time grows evenly with epochs.
                let slope = max(1e-9, try estimate(least + 1).1.total - low.1.total)
                let more = Int(min(1e6, (request.budget * Self.usable - low.1.total) / slope))
                best = try estimate(min(least + more, 2 * usual))
            }
            var result = planned(best.0, best.1, found, ranks: ranks)
            if best.0.attacks.allSatisfy({ ["pgd", "fgsm", "fgsm-rs"].contains($0) }) {
                var stronger = best.0
                stronger.evaluation.attack = Self.quick
                let more = try PilotEstimate(stronger, rates: rates, trained: found.data.training.count, heldOut: found.data.validation.count, tested: found.tested).total
                result.account.append(
                    "warning: \(best.0.evaluation.attack) alone may be too weak, and then the report cannot tell: --attack \(Self.quick) with --budget "
                        + "\(Int((more / Self.usable / 60).rounded(.up)) + 1)m")
            }
            return result
        }
        let (plan, estimate) = smallest!
        let small = duration(estimate.total)
        let minutes = Int((estimate.total / Self.usable / 60).rounded(.up)) + 1
        let ways = try PilotEstimate.whatFits(
            plan, attacks: [Self.quick, "pgd"], seconds: request.budget * Self.usable, rates: rates, classes: found.data.dataset.classes,
            trained: found.data.training.count, heldOut: found.data.validation.count, tested: found.tested)
        throw Failure.usage(
            "--budget \(duration(request.budget)) is too small: \(plan.methods.count) methods, \(plan.controls.count) control\(plan.controls.count == 1 ? "" : "s"), \(plan.seeds.count) seeds, "
                + "\(try plan.baseRecipe().epochs) epochs and \(found.tested) test images take about \(small) with \(ranks) rank\(ranks == 1 ? "" : "s")",
            remedy: "what would fit: " + (["--budget \(minutes)m"] + ways).joined(separator: ", or "))
    }

    private func planned(_ plan: PilotPlan, _ estimate: PilotEstimate, _ found: Found, ranks: Int) -> Planned {
        var plan = plan
        plan.budget.estimate = estimate.total.rounded()
        plan.budget.ranks = ranks
        let models = plan.allMethods.count * plan.seeds.count
        let epochs = (try? plan.baseRecipe().epochs) ?? 0
        var account = [
            "\(plan.methods.joined(separator: ", ")); controls \(plan.controls.isEmpty ? "none" : plan.controls.joined(separator: ", ")); \(plan.seeds.count) seeds: \(models) models",
            "each \(epochs) epochs of \(found.data.training.count) images, then \(plan.evaluation.attack) on \(found.tested) test images",
            "about \(duration(estimate.total)) of \(duration(request.budget)) with \(ranks) rank\(ranks == 1 ? "" : "s") × \(request.threads) thread\(request.threads == 1 ? "" : "s"):",
        ]
        func share(_ name: String, _ seconds: Double) -> String { "  \(percent(seconds / estimate.total))  \(duration(seconds))  \(name)" }
        for method in plan.allMethods { account.append(share("training \(method.rawValue)", estimate.training[method] ?? 0)) }
        account.append(share("evaluation", estimate.evaluation))
        account.append(share("self-checks", estimate.checks))
        account.append("every method has the same images, network, schedule and number of steps")
        return Planned(plan: plan, account: account + found.notes)
    }
}
