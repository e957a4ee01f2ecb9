import Diagnostics
import Digests
import Pilot
import Testing

@Suite struct PlanTests {
    private func plan() -> PilotPlan {
        var plan = PilotPlan()
        plan.question = "Is it: \"worth\" it? # yes\n\t– 価値はあるか"
        plan.recipe.base = "synthetic"
        plan.recipe.set = ["data.name=synthetic", "epochs=3", "salience.source=own"]
        plan.epsilon = 7.5
        plan.evaluation.radii = [1, 2.5, 8]
        plan.evaluation.decision = 2.5
        plan.controls = []
        plan.data.licence = "yes"
        return plan
    }

    @Test func comesBackFromYAML() throws {
        let plan = plan()
        #expect(try PilotPlan(yaml: plan.yaml(heading: ["a", "", "b: c"]), name: "x") == plan)
    }

    @Test(arguments: [
        ("seeds: [0, 0]", "seeds: [0, 1, 2]", "there twice"), ("sedes: [1]", "seeds: [0, 1, 2]", "did you mean seeds?"),
        ("epsilon: -1", "epsilon: 7.5", "epsilon is \"-1\""), ("methods: [natural, at]", "methods: [natural, at, at-half, sip-at]", "sip-at is missing"),
        ("  decision: 3", "  decision: 2.5", "not among evaluation.radii"), ("  regions: [salient]", "  regions: [all]", "all is missing"),
        ("    - epochs: 3", "    - epochs=3", "recipe.set"), ("format: 2", "format: 1", "format"), ("    - epochs=many", "    - epochs=3", "epochs"),
    ])
    func mistakesAreNamed(_ mistake: String, _ right: String, _ expected: String) throws {
        let text = plan().yaml().replacing(right, with: mistake)
        #expect(text.contains(mistake))
        let failure = #expect(throws: Failure.self) { try PilotPlan(yaml: text, name: "pilot.yaml") }
        #expect(failure?.kind == .usage && failure?.description.contains(expected) == true && failure?.description.contains("pilot.yaml") == true, "\(failure!)")
    }

    @Test func methodsHaveTheirRadii() throws {
        var plan = plan()
        plan.epsilon = 8
        let half = try plan.recipe(.atHalf, seed: 3)
        #expect(half.mode == .at && half.seed == 3 && abs(half.attack.epsilon - 4.0 / 255) < 1e-12 && abs(half.attack.stepSize - 1.0 / 255) < 1e-12)
        let shuffled = try plan.recipe(.shuffled, seed: 0)
        #expect(shuffled.mode == .sipAT && shuffled.salience.source == .shuffled && abs(shuffled.attack.epsilon - 8.0 / 255) < 1e-12)
        #expect(try plan.recipe(.inverted, seed: 0).attack.mask == .inverted)
        #expect(try plan.recipe(.natural, seed: 0).mode == .natural)
    }

    @Test func whatIsOnlyReadMayChange() {
        var (a, b) = (plan(), plan())
        b.question = "another"
        b.acceptance.cleanAtLeast = 90
        b.cost.perCoreHour = 1
        #expect(a.hash == b.hash && a.criteriaHash != b.criteriaHash)
        a.evaluation.steps += 1
        #expect(a.hash != b.hash)
    }

    /// What keeps a pilot from a recommendation is said before it runs.
    @Test func obstaclesAreNamed() {
        func obstacles(_ change: (inout PilotPlan) -> Void) -> [String] {
            var plan = PilotPlan()
            plan.evaluation.checked = ["sip-at", "at-half", "at"]
            change(&plan)
            return plan.obstacles(tested: 1000)
        }
        #expect(obstacles { _ in }.isEmpty)
        // Shares where percentages are asked for.
        #expect(obstacles { $0.acceptance.cleanAtLeast = 0.7 } == ["warning: acceptance.cleanAtLeast is 0.7, which is 0.7 %: meant 70?"])
        #expect(obstacles { ($0.acceptance.robustAtLeast, $0.acceptance.cleanLossAtMost) = (0.57, 0.05) }.map { $0.suffix(9) } == ["meant 57?", " meant 5?"])
        #expect(obstacles { ($0.acceptance.cleanAtLeast, $0.acceptance.cleanLossAtMost) = (1, 0) }.isEmpty)
        // So few images that nothing can be the same: the bound is where equal answers are found the same.
        let few = PilotPlan().obstacles(tested: 100).filter { $0.contains("none can be found to be the same") }
        #expect(few.count == 1 && few[0].contains("100 test images") && few[0].contains("± 2.7 points") && few[0].contains("at least 137,"), "\(few)")
        for (count, expected) in [(136, PilotVerdict.unclear), (137, PilotVerdict.same)] {
            let alike = [Bool](repeating: true, count: count)
            let found = PilotDifference(first: "a", second: "b", epsilon: 0, seeds: [0], level: 0.95, [alike], [alike])
            #expect(found.verdict(smallest: 0.02) == expected && abs(found.high - PilotDifference.leastHalf(count)) < 1e-12)
            #expect(PilotPlan().obstacles(tested: count).contains { $0.contains("none can be found") } == (expected == .unclear))
        }
        #expect(PilotPlan().obstacles(tested: 1000, groups: 20).contains { $0.contains("belong to 20 groups") })
        #expect(!PilotPlan().obstacles(tested: 1000, groups: 200).contains { $0.contains("groups") })
        #expect(PilotPlan().obstacles(tested: 1000, groups: 110).contains { $0.contains("110 groups of test images: even two methods") })
        #expect(obstacles { $0.acceptance.smallestDifference = 0 }.contains { $0.contains("give a difference above 0") })
        #expect(obstacles { $0.evaluation.checked = [] }.contains { $0.contains("without self-checks of sip-at") })
        #expect(obstacles { $0.evaluation.checked = ["sip-at", "at"] }.contains { $0.contains("leaves out at-half:") })
    }

    /// Methods and seeds may be added after the first start, but none taken away.
    @Test func whatWasStartedStays() throws {
        let plan = plan()
        func ledger(_ parts: [String], start: String) throws -> PilotLedger {
            let done = parts.map { "{\"part\": \"\($0)\", \"hash\": \"\", \"output\": \"\"}" }.joined(separator: ", ")
            return try decodedJSON(PilotLedger.self, from: Array("{\"format\": 1, \"program\": \"p\", \"plan\": \"\", \"criteria\": \"\"\(start), \"done\": [\(done)]}".utf8))
        }
        let text = String(decoding: try jsonBytes(PilotLedger.Start(plan), .line), as: UTF8.self)
        let started = try ledger(["training at 0"], start: ", \"start\": \(text)")
        // As older versions wrote it.
        let old = try ledger(["material", "training at 0", "evaluation at 0", "training natural 2"], start: "")
        #expect(old.start == nil)
        func refusal(_ ledger: PilotLedger, _ change: (inout PilotPlan) -> Void) -> Failure? {
            var changed = plan
            change(&changed)
            do { try ledger.requireWhole(changed, path: "pilot.yaml", kind: .usage) } catch { return error as? Failure }
            return nil
        }
        for ledger in [started, old] {
            #expect(refusal(ledger) { _ in } == nil)
            #expect(refusal(ledger) { ($0.methods, $0.seeds) = ($0.methods + ["at-quarter"], $0.seeds + [3]) } == nil)
            let failure = refusal(ledger) { $0.methods.removeAll { $0 == "at" } }
            #expect(failure?.kind == .usage && failure?.message.contains("\"training at 0\", which is done") == true, "\(String(describing: failure))")
        }
        #expect(refusal(started) { $0.methods.removeAll { $0 == "at" } }?.message.contains("methods at;") == true)
        #expect(refusal(started) { $0.evaluation.radii = [1, 2.5] }?.message.contains("evaluation.radii 8") == true)
        #expect(refusal(started) { $0.seeds = [0, 1] }?.message.contains("seeds 2") == true)
        #expect(refusal(old) { $0.seeds = [0, 1] }?.message.contains("\"training natural 2\"") == true)
        #expect(refusal(started) { $0.seeds = [1, 0, 2] }?.message.contains("seeds 0 in the first place") == true)
        var more = plan
        more.methods.append("at-quarter")
        more.seeds.append(7)
        #expect(PilotLedger.Start(more).lost(in: .init(plan)) == ["methods at-quarter", "seeds 7"])
    }

    /// TensorBoard may be switched on when parts are done; parts of versions that hashed it are still done.
    @Test func whatIsWrittenBesidesMayChange() throws {
        let (off, part) = (plan(), PilotPart.all(plan())[1])
        var (on, other) = (off, off)
        on.recipe.set.append("logging.tensorboard=true")
        other.recipe.set[1] = "epochs=4"
        #expect(part.kind == .training)
        #expect(try part.hash(on) == part.hash(off) && part.matches(part.hash(off), on) && !part.matches(part.hash(off), other))
        // As earlier versions reckoned it.
        func old(_ plan: PilotPlan) throws -> String {
            let recipe = try plan.recipe(part.method!, seed: part.seed!).yaml(commented: false)
            return SHA256.hex(of: Array((part.name + recipe).utf8))
        }
        #expect(try part.hash(off) == old(off) && part.matches(old(on), on) && part.matches(old(on), off) && !part.matches(old(other), off))
    }

    /// Whatever is offered fits, and what does not is not offered.
    @Test func whatWouldFitDoes() throws {
        let rates = PilotRates(naturalStep: 0.01, adversarialStep: 0.05, forward: 1e-5, iteration: 4e-5, opening: 0.1)
        var plan = plan()
        plan.seeds = [0, 1, 2]
        plan.evaluation.attack = "autoattack"
        func total(_ plan: PilotPlan, trained: Int = 2700, tested: Int = 500) throws -> Double {
            try PilotEstimate(plan, rates: rates, trained: trained, heldOut: 300, tested: tested).total
        }
        func offered(_ seconds: Double, trained: Int = 2700) throws -> [String] {
            try PilotEstimate.whatFits(
                plan, attacks: ["pgd,apgd-dlr", "pgd"], seconds: seconds, rates: rates, classes: 2, trained: trained, heldOut: 300, tested: 500)
        }
        let whole = try total(plan)
        for share in [0.9, 0.6, 0.4, 0.2, 0.05] {
            for way in try offered(share * whole) {
                var smaller = plan
                var (trained, tested) = (2700, 500)
                let number = Int(way.split { " =".contains($0) }.last ?? "")
                switch way.split(separator: " ")[0] {
                case "--seeds": smaller.seeds = Array(0..<number!)
                case "--images": tested = try #require(number)
                case "--attack": smaller.evaluation.attack = String(way.split(separator: " ")[1])
                default: trained = try #require(number)
                }
                #expect(try total(smaller, trained: trained, tested: tested) <= share * whole, "\(way)")
            }
        }
        let nearly = try offered(0.9 * whole)
        #expect(nearly.contains("--seeds 2"), "\(nearly)")
        // One batch either way: fewer images are no less work.
        let small = try offered(0.99 * total(plan, trained: 30), trained: 30)
        #expect(small.contains("--seeds 2") && !small.contains { $0.contains("data.limit") }, "\(small)")
        #expect(try offered(0.001).isEmpty)
    }

    @Test func selfChecksAreOfTheImagesThatThereAre() throws {
        let rates = PilotRates(naturalStep: 0.01, adversarialStep: 0.05, forward: 1e-5, iteration: 4e-5, opening: 0.1)
        func checks(_ tested: Int) throws -> Double { try PilotEstimate(plan(), rates: rates, trained: 2700, heldOut: 300, tested: tested).checks }
        #expect(try abs(checks(16) - checks(64) / 4) < 1e-9 && checks(500) == checks(64))
    }

    @Test func moreWorkTakesLonger() throws {
        let rates = PilotRates(naturalStep: 0.01, adversarialStep: 0.05, forward: 1e-5, iteration: 4e-5, opening: 0.1)
        func estimate(_ change: (inout PilotPlan) -> Void) throws -> Double {
            var plan = plan()
            change(&plan)
            return try PilotEstimate(plan, rates: rates, trained: 2700, heldOut: 300, tested: 500).total
        }
        let usual = try estimate { _ in }
        #expect(try estimate { $0.seeds = [0, 1, 2, 3] } > 1.2 * usual)
        #expect(try estimate { $0.recipe.set[1] = "epochs=6" } > 1.5 * usual)
        #expect(try estimate { $0.evaluation.attack = "autoattack" } > 2 * usual)
        #expect(try estimate { $0.methods = ["at-half", "sip-at"] } < 0.7 * usual)
        // 43 steps an epoch, three epochs, three seeds, of natural training: about 4 s besides folders and validation.
        let natural = try PilotEstimate(plan(), rates: rates, trained: 2700, heldOut: 300, tested: 500).training[.natural]!
        #expect(natural > 3 * 3 * 43 * 0.01 && natural < 3 * 3 * 43 * 0.01 + 3)
    }
}
