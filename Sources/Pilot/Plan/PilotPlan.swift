import Diagnostics
import Digests
import Evaluation
import Experiments
import Recipes

/// What a pilot is to do and to decide: `pilot.yaml`. `PlanSchema` says what each key may hold, and means.
///
/// A radius is given in grey levels, steps of 8-bit pixel values: 8 stands for 8/255.
package struct PilotPlan: Sendable, Hashable, Codable {
    package struct Data: Sendable, Hashable, Codable {
        package var origin = ""
        package var licence = ""
    }

    package struct RecipeChoice: Sendable, Hashable, Codable {
        package var base = "images"
        package var set: [String] = []
    }

    package struct Evaluation: Sendable, Hashable, Codable {
        package var attack = "pgd"
        package var steps = 20
        package var restarts = 1
        package var radii: [Double] = [2, 4, 8]
        /// The radius that the recommendation looks at.
        package var decision = 4.0
        /// Test images, balanced over classes; 0 for all.
        package var images = 0
        package var regions = ["all"]
        /// Methods whose first seed is put to the self-checks.
        package var checked = ["sip-at", "at-half"]
    }

    package struct Acceptance: Sendable, Hashable, Codable {
        /// In percent.
        package var cleanAtLeast = 0.0
        package var robustAtLeast = 0.0
        /// In percentage points below natural training.
        package var cleanLossAtMost = 100.0
        /// In percentage points; a smaller difference is none.
        package var smallestDifference = 2.0
        package var imagesAtLeast = 100
        package var seedsAtLeast = 3

        package init() {}

        /// Whether no bound was set: then every model meets them.
        package var isOpen: Bool { cleanAtLeast == 0 && robustAtLeast == 0 && cleanLossAtMost == 100 }
    }

    package struct Cost: Sendable, Hashable, Codable {
        package var currency = "EUR"
        package var perCoreHour = 0.0
        package var perKilowattHour = 0.0
        package var perPersonHour = 0.0
        package var personHours = 0.0
        /// Images of the whole data, to extrapolate to; 0 for those of the pilot.
        package var fullImages = 0
        package var fullEpochs = 0
    }

    package struct Budget: Sendable, Hashable, Codable {
        /// In seconds; what the user gave, and what the plan is expected to take.
        package var asked = 0.0
        package var estimate = 0.0
        package var ranks = 1
        package var threads = 1
    }

    package var format = 1
    package var question = "Should this model be trained with SIP-AT?"
    package var system = ""
    package var responsible = ""
    package var data = Data()
    package var recipe = RecipeChoice()
    package var epsilon = 8.0
    package var methods = ["natural", "at", "at-half", "sip-at"]
    package var controls = ["sip-shuffled", "sip-centre-prior", "sip-inverted"]
    package var seeds = [0, 1, 2]
    package var evaluation = Evaluation()
    package var acceptance = Acceptance()
    package var cost = Cost()
    /// A file of `sipat review status --json`.
    package var review = ""
    package var budget = Budget()

    package init() {}

    /// Methods and controls in the order of `PilotMethod`.
    package var allMethods: [PilotMethod] { PilotMethod.allCases.filter { methods.contains($0.rawValue) || controls.contains($0.rawValue) } }

    /// The names in `evaluation.attack`.
    package var attacks: [String] { evaluation.attack.split(separator: ",").map { $0.filter { $0 != " " } } }

    /// Criteria that look as if shares were meant, a line each.
    package var warnings: [String] {
        let criteria: [(name: String, value: Double, unit: String)] = [
            ("cleanAtLeast", acceptance.cleanAtLeast, "%"), ("robustAtLeast", acceptance.robustAtLeast, "%"),
            ("cleanLossAtMost", acceptance.cleanLossAtMost, "points"), ("smallestDifference", acceptance.smallestDifference, "points"),
        ]
        return criteria.filter { $0.value > 0 && $0.value < 1 }.map { criterion in
            let text = PlanSchema.text(criterion.value)
            let meant = PlanSchema.text((criterion.value * 1e8).rounded() / 1e6)
            return "warning: acceptance.\(criterion.name) is \(text), which is \(text) \(criterion.unit): meant \(meant)?"
        }
    }

    /// Why nothing will be recommended whatever is found, or less than one might think, a line each.
    ///
    /// - Parameter groups: how many groups the tested images belong to; nil where each stands for itself.
    package func obstacles(tested: Int, groups: Int? = nil) -> [String] {
        var list = warnings
        if tested < acceptance.imagesAtLeast {
            list.append("warning: \(tested) test images: the report will say that it cannot tell (acceptance.imagesAtLeast is \(acceptance.imagesAtLeast))")
        }
        if let groups, groups < acceptance.imagesAtLeast, tested >= acceptance.imagesAtLeast {
            list.append(
                "warning: the \(tested) test images belong to \(groups) groups, and those of a group count once: the report will say that it cannot tell "
                    + "(acceptance.imagesAtLeast is \(acceptance.imagesAtLeast))")
        }
        // Images of a group count once here, too.
        let (count, what) = groups.map { ($0, "groups of test images") } ?? (tested, "test images")
        let least = PilotDifference.leastHalf(count) * 100
        if least >= acceptance.smallestDifference {
            // ±z√2/(n + 2) is narrower from here on.
            let needed = acceptance.smallestDifference > 0 ? Int(min(1e15, least * (Double(count) + 2) / acceptance.smallestDifference - 2).rounded(.down)) + 1 : 0
            list.append(
                "warning: \(count) \(what): even two methods that answer alike differ by 0 ± \(decimal(least, 1)) points, and acceptance.smallestDifference is "
                    + "\(PlanSchema.text(acceptance.smallestDifference)): none can be found to be the same as another; "
                    + (needed > 0 ? "take at least \(needed), or a larger difference" : "give a difference above 0"))
        }
        if seeds.count < acceptance.seedsAtLeast {
            let word = seeds.count == 1 ? "seed" : "seeds"
            list.append("warning: \(seeds.count) \(word): the report will say that it cannot tell (acceptance.seedsAtLeast is \(acceptance.seedsAtLeast))")
        }
        let unchecked = allMethods.filter { ($0 == .sipAT || $0.isAdversarial) && !evaluation.checked.contains($0.rawValue) }
        if unchecked.contains(.sipAT) {
            list.append("warning: without self-checks of sip-at (evaluation.checked) nothing will be recommended")
        } else if !unchecked.isEmpty {
            let names = unchecked.map(\.rawValue).joined(separator: ", ")
            list.append("warning: evaluation.checked leaves out \(names): if the rival turns out to be among these, the report will say that it cannot tell")
        }
        if !methods.contains("at-half") { list.append("warning: without at-half nothing will be recommended") }
        if !controls.contains("sip-shuffled") { list.append("warning: without the control sip-shuffled nothing will be recommended") }
        return list
    }

    /// The recipe that all trainings share.
    ///
    /// - Throws: `Failure.usage` naming key and value.
    package func baseRecipe() throws -> Recipe {
        try Self.apply(recipe.set, to: Recipe.builtIn(recipe.base))
    }

    /// The recipe of one training.
    package func recipe(_ method: PilotMethod, seed: Int) throws -> Recipe {
        let base = try baseRecipe()
        let ratio = base.attack.epsilon > 0 ? base.attack.stepSize / base.attack.epsilon : 0.25
        return try Self.apply(method.overrides(epsilon: epsilon, stepRatio: ratio) + ["seed=\(seed)"], to: base)
    }

    private static func apply(_ overrides: [String], to recipe: Recipe) throws -> Recipe {
        do { return try RecipeParser.apply(overrides, to: recipe, name: "the recipe") } catch let failure as Failure {
            throw Failure(failure.kind, "recipe.set in pilot.yaml: \(failure.message)", remedy: failure.remedy)
        }
    }

    /// What it asks for, without what only people read and what may be changed between two starts.
    package var hash: String {
        var plain = self
        plain.budget = Budget()
        (plain.question, plain.system, plain.responsible, plain.review) = ("", "", "", "")
        (plain.data, plain.cost, plain.acceptance) = (Data(), Cost(), Acceptance())
        return SHA256.hex(of: (try? jsonBytes(plain, .line)) ?? [])
    }

    /// SHA-256 of the acceptance criteria: whether they were changed after the first start.
    package var criteriaHash: String { SHA256.hex(of: ((try? jsonBytes(acceptance, .line)) ?? []) + ((try? jsonBytes([evaluation.decision], .line)) ?? [])) }

    /// Checks what no single key can tell.
    ///
    /// - Throws: `Failure.usage` naming the key.
    func checkConsistency(name: String) throws {
        func require(_ isRight: Bool, _ key: String, _ message: String, _ remedy: String) throws {
            guard !isRight else { return }
            throw Failure.usage("\(name): \(key): \(message)", remedy: remedy)
        }
        try require(format == 1, "format", "is \(format), expected 1", "this program understands format 1")
        try require(methods.contains("sip-at"), "methods", "sip-at is missing", "a pilot asks whether SIP-AT is worth it: add sip-at")
        try require(Set(methods).count == methods.count, "methods", "a method is there twice", "keep one of them")
        try require(Set(controls).count == controls.count, "controls", "a control is there twice", "keep one of them")
        try require(!seeds.isEmpty && Set(seeds).count == seeds.count, "seeds", "there is none, or one is there twice", "three different ones, such as [0, 1, 2]")
        try require(
            !evaluation.radii.isEmpty && Set(evaluation.radii).count == evaluation.radii.count, "evaluation.radii", "there is none, or one is there twice",
            "such as [2, 4, 8], in grey levels")
        try require(
            evaluation.radii.contains(evaluation.decision), "evaluation.decision", "\(evaluation.decision) is not among evaluation.radii",
            "choose one of \(evaluation.radii.map(PlanSchema.text).joined(separator: ", "))")
        try require(evaluation.regions.contains("all"), "evaluation.regions", "all is missing", "an attacker does not respect a mask: add all")
        try require(
            acceptance.cleanLossAtMost == 100 || methods.contains("natural"), "acceptance.cleanLossAtMost",
            "cannot be found out, since natural is not among methods", "add natural to methods, or set it to 100")
        try require(!attacks.isEmpty, "evaluation.attack", "names no attack", "such as pgd, or autoattack")
        do { try EvaluationAttacks.check(attacks) } catch let failure as Failure {
            throw Failure.usage("\(name): evaluation.attack: \(failure.message)", remedy: failure.remedy)
        }
        _ = try baseRecipe()
        for method in allMethods { _ = try recipe(method, seed: seeds[0]) }
    }
}
