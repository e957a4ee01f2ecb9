import Attacks

/// What an evaluation came to: `result.json`. It follows from the description and the lines of the ledger, in whatever order.
package struct EvaluationResult: Codable, Sendable, Hashable {
    package struct Accuracy: Codable, Sendable, Hashable {
        package var count: Int
        package var correct: Int
        package var accuracy: Double

        init(_ correct: Int, of count: Int) {
            (self.count, self.correct) = (count, correct)
            accuracy = count == 0 ? 0 : Double(correct) / Double(count)
        }
    }

    /// One attack of a chain, on the images that were left to it.
    package struct AttackRow: Codable, Sendable, Hashable {
        package var name: String
        package var attacked: Int
        package var fallen: Int
        /// Images that are right and withstand the chain up to this attack.
        package var after: Accuracy
        /// Images that the attack left as they were: for a transfer attack, those that its own model gets wrong.
        package var untouched: Int
        /// Images without a gradient where the attack began.
        package var zeroGradients: Int
        /// Images of which the attack said other than the evaluator found.
        package var unconfirmed: Int
        package var forwardQueries: Int
        package var gradientQueries: Int
        package var iterations: Int
    }

    package struct ChainRow: Codable, Sendable, Hashable {
        package var kind: EvaluationPlan.Kind
        package var region: EvaluationProtocol.Region
        package var epsilon: Float
        /// After the last attack.
        package var robust: Accuracy
        /// Images left out: without a pixel in the region, or without an image of an earlier model.
        package var leftOut: Int
        package var attacks: [AttackRow]
    }

    /// Robust accuracy against the attacker of the whole image, which is what an evaluation is quoted for.
    package struct Headline: Codable, Sendable, Hashable {
        package var epsilon: Float
        package var robust: Accuracy
        /// Images that the attacks on the whole image left standing although something weaker broke them: they count as
        /// fallen, and show that those attacks are too weak for this model.
        package var weaknesses: [Weakness]
    }

    package struct Weakness: Codable, Sendable, Hashable {
        /// A region, `against` or `transfer`.
        package var foundBy: String
        /// In the data set.
        package var indices: [Int]
    }

    package var format = 1
    package var description: EvaluationDescription
    /// Whether this is AutoAttack as published.
    package var standard: Bool
    /// What is not, in words.
    package var deviations: [String]
    package var clean: Accuracy
    package var cleanTop5: Accuracy?
    package var headline: [Headline]
    package var chains: [ChainRow]
    package var keptImages: KeptImagesVerification?
    /// Against each earlier model.
    package var releases: [ReleaseComparison]?

    /// - Parameters:
    ///   - progress: of a finished evaluation.
    ///   - indices: by position.
    package init(
        _ description: EvaluationDescription, progress: EvaluationProgress, sums: LedgerSums, indices: [Int],
        keptImages: KeptImagesVerification? = nil, releases: [ReleaseComparison]? = nil
    ) {
        let plan = progress.plan
        self.description = description
        // The same result whatever the command line that led to it.
        self.description.arguments = []
        standard = description.isStandard
        deviations = description.deviations
        let all = 0..<progress.count
        let right = all.filter { progress.state(0, $0) == .stood }
        clean = Accuracy(right.count, of: progress.count)
        cleanTop5 = Accuracy(sums.cleanTop5, of: progress.count)
        chains = plan.chains.indices.map { index in
            let chain = plan.chains[index]
            let members = all.filter { !progress.isLeftOut(index, $0) }
            var standing = members.count { progress.state(0, $0) == .stood }
            let rows = chain.phases.map { phase -> AttackRow in
                let attacked = progress.done[phase]
                let fallen = all.count { progress.state(phase, $0) == .fell }
                standing -= fallen
                let sum = sums.phases[phase]
                return AttackRow(
                    name: plan.phases[phase].name, attacked: attacked, fallen: fallen, after: Accuracy(standing, of: members.count), untouched: sum.untouched,
                    zeroGradients: sum.zeroGradients, unconfirmed: sum.unconfirmed, forwardQueries: sum.forwardQueries,
                    gradientQueries: sum.gradientQueries, iterations: sum.iterations)
            }
            return ChainRow(
                kind: chain.kind, region: chain.region, epsilon: chain.epsilon, robust: Accuracy(standing, of: members.count),
                leftOut: progress.count - members.count, attacks: rows)
        }
        headline = plan.chains.indices.filter { plan.chains[$0].kind == .region && plan.chains[$0].region == .all }.map { whole in
            let epsilon = plan.chains[whole].epsilon
            var robust = Set(right.filter { !progress.hasFallen(whole, $0) })
            var weaknesses: [Weakness] = []
            var broken = Set<Int>()
            for other in plan.chains.indices where other != whole && plan.chains[other].epsilon == epsilon {
                let found = robust.filter { progress.hasFallen(other, $0) }.sorted()
                guard !found.isEmpty else { continue }
                weaknesses.append(Weakness(foundBy: plan.chains[other].name, indices: found.map { indices[$0] }))
                broken.formUnion(found)
            }
            robust.subtract(broken)
            return Headline(epsilon: epsilon, robust: Accuracy(robust.count, of: progress.count), weaknesses: weaknesses)
        }
        self.keptImages = keptImages
        self.releases = releases
    }
}

/// Sums over the lines of a ledger, the same in whatever order they come.
package struct LedgerSums: Sendable {
    package struct Phase: Sendable {
        var untouched = 0
        var zeroGradients = 0
        var unconfirmed = 0
        var forwardQueries = 0
        var gradientQueries = 0
        var iterations = 0
    }

    package private(set) var phases: [Phase]
    package private(set) var cleanTop5 = 0

    package init(_ plan: EvaluationPlan) { phases = Array(repeating: Phase(), count: plan.phases.count) }

    package mutating func add(_ line: LedgerLine, phase: Int) {
        if phase == 0, line.rank < 5 { cleanTop5 += 1 }
        phases[phase].untouched += line.claim.variant == .none ? 1 : 0
        phases[phase].zeroGradients += line.claim.hasZeroGradient ? 1 : 0
        phases[phase].unconfirmed += line.isConfirmed ? 0 : 1
        phases[phase].forwardQueries += line.claim.forwardQueries
        phases[phase].gradientQueries += line.claim.gradientQueries
        phases[phase].iterations += line.claim.iterations
    }
}
