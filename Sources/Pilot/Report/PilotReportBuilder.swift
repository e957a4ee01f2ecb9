import Attacks
import Diagnostics
import Digests
import Evaluation
import Foundation
import Images
import Kernels
import NeuralNet
import Recipes

/// Reads a finished pilot's folder. Needs neither data nor weights.
package struct PilotReportBuilder {
    private let folder: String
    private let plan: PilotPlan
    private let ledger: PilotLedger
    private let material: PilotMaterial

    /// - Throws: `Failure.usage` where there is no pilot, `.badData` where it is not finished.
    package init(_ folder: String) throws {
        self.folder = folder
        let path = folder + "/" + PilotFolder.plan
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure.usage("\(folder) holds no pilot (\(PilotFolder.plan) is missing)", remedy: "make one: sipat pilot plan --output \(shellQuoted(folder))")
        }
        let plan = try PilotPlan(contentsOf: path)
        self.plan = plan
        let parts = PilotPart.all(plan)
        guard let ledger = try PilotLedger.read(folder) else {
            throw Failure.badData("\(folder): the pilot was not run", remedy: "run it: sipat pilot run \(shellQuoted(folder))")
        }
        try ledger.requireWhole(plan, path: path, kind: .badData)
        let missing = parts.filter { ledger.entry($0) == nil }
        guard missing.isEmpty else {
            throw Failure.badData(
                "\(folder): \(missing.count) of \(parts.count) parts are not done, \"\(missing[0].name)\" is the next", remedy: "go on: sipat pilot run \(shellQuoted(folder))")
        }
        let changed = try parts.filter { try !$0.matches(ledger.entry($0)!.hash, plan) }
        if let part = changed.first(where: { !$0.isQuick }) {
            throw Failure.badData("\(path) was changed after \"\(part.name)\" was done", remedy: "give back the old values, or plan a new pilot in another folder")
        }
        if let part = changed.first {
            throw Failure.badData("\(folder): \"\(part.name)\" was made for another plan, or by another version", remedy: "make it again: sipat pilot run \(shellQuoted(folder))")
        }
        self.ledger = ledger
        guard let material = try readJSON(PilotMaterial.self, folder + "/" + PilotFolder.material) else {
            throw Failure.inputOutput("\(folder)/\(PilotFolder.material) is missing", remedy: "put it back")
        }
        self.material = material
        for (kind, name) in [(PilotPart.Kind.material, PilotFolder.material), (PilotPart.Kind.pictures, PilotFolder.pictures)] {
            let path = folder + "/" + name
            let found = FileManager.default.fileExists(atPath: path) ? try SHA256.hex(ofFile: path) : nil
            try Self.require(found, isThatOf: ledger.entry(PilotPart(kind: kind))?.output, path)
        }
    }

    /// - Parameters:
    ///   - found: a file's hash; nil where it is missing.
    ///   - kept: the hash that the ledger kept.
    /// - Throws: `Failure.badData` naming the file.
    private static func require(_ found: String?, isThatOf kept: String?, _ path: String) throws {
        guard found != kept else { return }
        throw Failure.badData(
            "\(path) is \(found == nil ? "missing" : "not what the pilot made (another SHA-256 than \(PilotLedger.fileName) has)")",
            remedy: "put back what was there, or plan a new pilot in another folder")
    }

    /// Refuses results that were changed after the pilot made them.
    ///
    /// - Returns: whether the ledger has the hashes of all of them.
    private func requireUnchanged(_ views: [PilotMethod: [LedgerView]]) throws -> Bool {
        var isKept = true
        for method in plan.allMethods {
            for (seed, view) in zip(plan.seeds, views[method]!) {
                guard let kept = ledger.entry(PilotPart(kind: .evaluation, method: method, seed: seed))?.files else {
                    isKept = false
                    continue
                }
                let found = try PilotLedger.results(view.ledger)
                for name in kept.keys.sorted() { try Self.require(found[name], isThatOf: kept[name], view.folder + "/" + name) }
            }
        }
        return isKept
    }

    /// Files and folders of the pilot, which no page may overwrite.
    package var inputs: [String] {
        let own = [PilotFolder.plan, PilotLedger.fileName, PilotCost.fileName, PilotFolder.material, PilotFolder.pictures, "parts", "run.lock"]
        return own.map { folder + "/" + $0 } + (plan.review.isEmpty ? [] : [plan.review])
    }

    /// What in the plan looks like a mistake, a line each.
    package var warnings: [String] { plan.warnings }

    /// What pictures the page has besides.
    package func pictures() throws -> (material: PilotMaterial, models: PilotPictures) {
        (material, try readJSON(PilotPictures.self, folder + "/" + PilotFolder.pictures) ?? PilotPictures())
    }

    package func cost() throws -> PilotCost? { try PilotCost.read(folder) }

    /// Reads every ledger several times.
    ///
    /// - Throws: `Failure` where a file is missing, or belongs to another evaluation.
    package func report() throws -> PilotReport {
        let views = try Dictionary(uniqueKeysWithValues: plan.allMethods.map { method in (method, try plan.seeds.map { try view(method, $0) }) })
        let isSealed = try requireUnchanged(views)
        let first = views[.sipAT]![0]
        let radii = [0] + plan.evaluation.radii.sorted()
        let epsilons = radii.map { Float($0 / 255) }
        let flags = views.mapValues { $0.map { view in epsilons.map { view.robust($0) } } }
        for (method, list) in views {
            for (view, seed) in zip(list, plan.seeds) where view.ledger.indices != first.ledger.indices || view.description.data.fingerprint != first.description.data.fingerprint {
                throw Failure.badData("\(folder)/\(PilotPart.evaluation(method, seed)): was made on other images than the other models'", remedy: "run that part again")
            }
        }
        let outcomes = PilotOutcomes(radii: radii, seeds: plan.seeds, classNames: material.classNames, labels: first.labels, flags: flags, groups: testGroups(first))
        let methods = try plan.allMethods.map { try method($0, views[$0]!, outcomes, epsilons) }
        let invalid = methods.filter { $0.checks?.verdict == .invalid }.map(\.method)
        let unchecked = methods.filter { $0.checks == nil }.map(\.method)
        let recommendation = PilotRecommendation(
            outcomes, acceptance: plan.acceptance, decision: plan.evaluation.decision, invalid: invalid, unchecked: unchecked)
        let smallest = plan.acceptance.smallestDifference / 100
        let comparisons = plan.allMethods.filter { $0 != .sipAT }.flatMap { other in
            radii.indices.compactMap { outcomes.difference(.sipAT, other, $0) }.map { PilotReport.Comparison(difference: $0, verdict: $0.verdict(smallest: smallest)) }
        }
        let recipe = try plan.recipe(.sipAT, seed: plan.seeds[0])
        let shape = ImageShape(height: material.shape[0], width: material.shape[1], channels: material.shape[2])
        var shown = material
        shown.salience.examples = []
        shown.attributes = [:]
        shown.testGroups = nil
        return PilotReport(
            program: ledger.program, plan: told(plan), planHash: plan.hash, criteriaChanged: ledger.criteria != plan.criteriaHash, start: ledger.start, isSealed: isSealed, recipe: recipe.yaml(commented: false),
            stepsPerModel: recipe.epochs * ((material.trained + recipe.data.batch - 1) / recipe.data.batch), epochs: recipe.epochs,
            parameters: try recipe.modelConfiguration().network(input: shape, classes: material.classNames.count).parameterCount, material: shown,
            review: try review(), images: outcomes.count, testGroups: outcomes.groups.map { Set($0).count }, recommendation: recommendation, methods: methods, comparisons: comparisons,
            groups: groups(outcomes, first, recommendation.rival), traces: try traces(views), norm: first.description.norm.rawValue,
            testAttacks: testAttacks(first))
    }

    private func told(_ plan: PilotPlan) -> PilotPlan {
        var plan = plan
        // Measured, not decided.
        plan.budget = PilotPlan.Budget()
        return plan
    }

    private func view(_ method: PilotMethod, _ seed: Int) throws -> LedgerView { try LedgerView(folder + "/" + PilotPart.evaluation(method, seed)) }

    // MARK: Methods

    private func method(_ method: PilotMethod, _ views: [LedgerView], _ outcomes: PilotOutcomes, _ epsilons: [Float]) throws -> PilotReport.Method {
        let flags = outcomes.flags[method]!
        func group(_ name: String, _ members: [Int]) -> PilotReport.Group {
            PilotReport.Group(name: name, count: members.count, shares: outcomes.radii.indices.map { outcomes.share(method, $0, members) })
        }
        let decision = outcomes.place(of: plan.evaluation.decision)
        let confusion = [0, decision].map { place in
            let names = material.classNames
            var counts = names.map { _ in names.map { _ in 0 } }
            for view in views { for (label, prediction) in zip(view.labels, view.predictions(epsilons[place])) { counts[label][prediction] += 1 } }
            return PilotReport.Confusion(epsilon: outcomes.radii[place], counts: counts)
        }
        let evaluation = { folder + "/" + PilotPart.evaluation(method, $0) }
        let checks = try EvaluationFolder.checks(in: evaluation(plan.seeds[0]))
        // Where no attack was made, there is nothing to check.
        if checks == nil, plan.evaluation.checked.contains(method.rawValue), CheckSettings(views[0]) != nil {
            throw Failure.badData(
                "\(evaluation(plan.seeds[0]))/\(EvaluationFolder.checks) is missing, and the plan asks for it (evaluation.checked)", remedy: "put it back")
        }
        if let checks, checks.evaluation != views[0].description.hash {
            throw Failure.badData("\(evaluation(plan.seeds[0]))/\(EvaluationFolder.checks) is of another evaluation", remedy: "put back what was there")
        }
        let result = try readJSON(EvaluationResult.self, evaluation(plan.seeds[0]) + "/" + EvaluationFolder.result)
        let attacks = (result?.chains ?? []).filter { $0.kind == .region && $0.region == .all }.flatMap { chain in
            chain.attacks.map {
                PilotReport.Attack(epsilon: level(chain.epsilon), name: $0.name, attacked: $0.attacked, fallen: $0.fallen, zeroGradients: $0.zeroGradients)
            }
        }
        return PilotReport.Method(
            method: method.rawValue, epsilon: method.relativeRadius.map { $0 * plan.epsilon },
            radii: outcomes.radii.indices.map { place in
                PilotReport.Radius(
                    epsilon: outcomes.radii[place], accuracy: outcomes.share(method, place),
                    bySeed: flags.map { model in Double(model[place].count { $0 }) / Double(max(1, model[place].count)) })
            },
            classes: material.classNames.enumerated().map { group($1, outcomes.members($0)) },
            attributes: attributes(views[0]).map { column in PilotReport.Attribute(name: column.name, groups: column.groups.map { group($0.name, $0.members) }) },
            confusion: confusion, regions: regions(views, outcomes.groups), faults: try faults(evaluation), attacks: attacks,
            checks: checks, largest: views.map(\.largest).max() ?? 0, lengths: try lengths(method),
            adaptive: adaptive(views))
    }

    /// How far each seed's training came, which with early stopping is not as far as was planned.
    private func lengths(_ method: PilotMethod) throws -> [PilotReport.Length]? {
        struct Line: Decodable {
            let step: Int
            let epoch: Int?
        }
        var lengths: [PilotReport.Length] = []
        for seed in plan.seeds {
            let path = folder + "/" + PilotPart.run(method, seed) + "/metrics.jsonl"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let lines = try ReadableFile.contents(of: path, limit: 1 << 32).split(separator: UInt8(ascii: "\n"))
            guard let last = lines.reversed().lazy.compactMap({ try? decodedJSON(Line.self, from: $0) }).first(where: { $0.epoch != nil }) else { return nil }
            lengths.append(PilotReport.Length(epochs: (last.epoch ?? 0) + 1, steps: last.step))
        }
        return lengths
    }

    /// The attacks on the whole image at the first radius, as they are at every one.
    private func testAttacks(_ view: LedgerView) -> [PilotReport.TestAttack] {
        let attacks = view.description.chains.first { $0.kind == .region && $0.region == .all }?.attacks ?? []
        return attacks.map { attack in
            func setting(_ names: String...) -> Int? { names.lazy.compactMap { attack.settings[$0].flatMap { Int($0) } }.first }
            return PilotReport.TestAttack(name: attack.name, steps: setting("steps", "iterations", "queries"), restarts: setting("restarts"))
        }
    }

    /// A radius in grey levels as the plan has it.
    private func level(_ epsilon: Float) -> Double { plan.evaluation.radii.first { Float($0 / 255) == epsilon } ?? Double(epsilon) * 255 }

    private func regions(_ views: [LedgerView], _ groups: [Int]?) -> [PilotReport.Region] {
        views[0].description.regions.flatMap { region in
            views[0].epsilons.compactMap { epsilon in
                var (right, broken) = (0, 0)
                // The data tells which, so that they are the same for every seed.
                var given: [Int] = []
                let flags = views.compactMap { view -> [Bool]? in
                    guard let chain = view.chain(.region, region, epsilon) else { return nil }
                    let members = view.members(chain)
                    given = members
                    right += members.count { view.isRight[$0] }
                    broken += members.count { view.isRight[$0] && view.hasFallen(chain, $0) }
                    return members.map { view.isRight[$0] && !view.hasFallen(chain, $0) }
                }
                guard flags.count == views.count, flags.allSatisfy({ $0.count == flags[0].count }) else { return nil }
                return PilotReport.Region(
                    region: region.rawValue, epsilon: level(epsilon), accuracy: PilotShare(flags, groups: groups.map { groups in given.map { groups[$0] } }),
                    broken: right > 0 ? Double(broken) / Double(right) : nil)
            }
        }
    }

    private func adaptive(_ views: [LedgerView]) -> PilotDifference? {
        let epsilon = Float(plan.evaluation.decision / 255)
        var members: [Int] = []
        var (random, salient): ([[Bool]], [[Bool]]) = ([], [])
        for view in views {
            guard let anywhere = view.chain(.region, .random, epsilon), let there = view.chain(.region, .salient, epsilon) else { return nil }
            let others = Set(view.members(there))
            let own = view.members(anywhere).filter { others.contains($0) }
            guard !own.isEmpty, members.isEmpty || members == own else { return nil }
            members = own
            random.append(own.map { view.isRight[$0] && !view.hasFallen(anywhere, $0) })
            salient.append(own.map { view.isRight[$0] && !view.hasFallen(there, $0) })
        }
        return PilotDifference(first: "random", second: "salient", epsilon: plan.evaluation.decision, seeds: plan.seeds, level: 0.95, random, salient)
    }

    private func faults(_ evaluation: (Int) -> String) throws -> [PilotReport.Fault] {
        let all = try plan.seeds.compactMap { try EvaluationFolder.measures(in: evaluation($0)) }
        guard all.count == plan.seeds.count, let first = all.first else { return [] }
        return first.faults.indices.map { place in
            let count = all.reduce(0) { $0 + $1.faults[place].count }
            return PilotReport.Fault(
                corruption: first.faults[place].corruption, accuracy: Double(all.reduce(0) { $0 + $1.faults[place].correct }) / Double(max(1, count)),
                count: count / all.count)
        }
    }

    // MARK: Groups

    /// Of the images that were evaluated.
    private func testGroups(_ view: LedgerView) -> [Int]? {
        guard let groups = material.testGroups, view.ledger.indices.allSatisfy({ groups.indices.contains($0) }) else { return nil }
        return view.ledger.indices.map { groups[$0] }
    }

    /// Columns of a manifest that say few things of many images.
    private func attributes(_ view: LedgerView) -> [(name: String, groups: [(name: String, members: [Int])])] {
        material.attributes.sorted { $0.key < $1.key }.compactMap { column, values in
            let own = view.ledger.indices.map { values.indices.contains($0) ? values[$0] : nil }
            let names = Set(own.compactMap { $0 }).sorted()
            guard names.count > 1, names.count <= 12 else { return nil }
            return (column, names.map { name in (name, own.indices.filter { own[$0] == name }) })
        }
    }

    private func groups(_ outcomes: PilotOutcomes, _ view: LedgerView, _ rival: String?) -> [PilotReport.GroupDifference] {
        guard let rival = rival.flatMap(PilotMethod.init(rawValue:)) else { return [] }
        let classes = (name: "class", groups: material.classNames.enumerated().map { (name: $1, members: outcomes.members($0)) })
        let places = [0, outcomes.place(of: plan.evaluation.decision)]
        return ([classes] + attributes(view)).flatMap { attribute in
            // As many comparisons as there are groups.
            let level = 1 - 0.05 / Double(max(1, attribute.groups.count))
            return attribute.groups.flatMap { group in
                places.compactMap { outcomes.difference(.sipAT, rival, $0, group.members, level: level) }.map {
                    PilotReport.GroupDifference(
                        attribute: attribute.name, name: group.name, difference: $0, verdict: $0.verdict(smallest: plan.acceptance.smallestDifference / 100))
                }
            }
        }
    }

    // MARK: Where numbers come from

    private func traces(_ views: [PilotMethod: [LedgerView]]) throws -> [PilotReport.Trace] {
        try plan.allMethods.flatMap { method in
            try zip(plan.seeds, views[method]!).map { seed, view in
                let description = view.description
                guard ledger.entry(PilotPart(kind: .evaluation, method: method, seed: seed))?.output == description.hash else {
                    throw Failure.badData("\(view.folder): is another evaluation than the pilot's", remedy: "put back what was there")
                }
                let asked = try PilotEvaluation(plan, method, seed, folder: folder)
                let lines = try view.ledger.sortedLines().reduce(into: [UInt8]()) { $0 += try jsonBytes($1, .line) }
                return PilotReport.Trace(
                    method: method.rawValue, seed: seed, weights: description.model.sha256,
                    recipe: SHA256.hex(of: Array(try plan.recipe(method, seed: seed).yaml(commented: false).utf8)), evaluation: description.hash,
                    lines: SHA256.hex(of: lines), folder: PilotPart.folder(method, seed), command: "sipat evaluate " + asked.arguments.map(shellQuoted).joined(separator: " "))
            }
        }
    }

    private func review() throws -> PilotReport.ReviewFacts? {
        guard !plan.review.isEmpty else { return nil }
        return PilotReport.ReviewFacts(try PilotReport.ReviewFacts.status(plan.review), reviews: material.salience.reviews)
    }
}
