import Evaluation

/// What a pilot found: `report.json`. The same bytes whatever machine, ranks and interruptions it had; measured times and energy
/// are in `cost.json`.
package struct PilotReport: Codable, Sendable, Hashable {
    package struct Radius: Codable, Sendable, Hashable {
        /// In grey levels; 0 for clean images.
        package var epsilon: Double
        package var accuracy: PilotShare
        package var bySeed: [Double]
    }

    /// Images of a class, or of one value of an attribute.
    package struct Group: Codable, Sendable, Hashable {
        package var name: String
        package var count: Int
        /// In the order of the radii.
        package var shares: [PilotShare]
    }

    package struct Attribute: Codable, Sendable, Hashable {
        package var name: String
        package var groups: [Group]
    }

    package struct Confusion: Codable, Sendable, Hashable {
        package var epsilon: Double
        /// [true class][predicted class], summed over seeds.
        package var counts: [[Int]]

        package init(epsilon: Double, counts: [[Int]]) { (self.epsilon, self.counts) = (epsilon, counts) }
    }

    package struct Region: Codable, Sendable, Hashable {
        package var region: String
        package var epsilon: Double
        /// Of the images that its attackers were given.
        package var accuracy: PilotShare
        /// Of those of them that are right as they are, the share that was broken, over all seeds; nil where none is right.
        package var broken: Double?
    }

    package struct Fault: Codable, Sendable, Hashable {
        package var corruption: Corruption
        package var accuracy: Double
        package var count: Int
    }

    /// How many images of the first seed each attack broke, alone or after others.
    package struct Attack: Codable, Sendable, Hashable {
        package var epsilon: Double
        package var name: String
        package var attacked: Int
        package var fallen: Int
        package var zeroGradients: Int
    }

    /// An attack of the test as it was set; nil for what it has none of.
    package struct TestAttack: Codable, Sendable, Hashable {
        package var name: String
        package var steps: Int?
        package var restarts: Int?

        package init(name: String, steps: Int?, restarts: Int?) { (self.name, self.steps, self.restarts) = (name, steps, restarts) }
    }

    /// How far a training came.
    package struct Length: Codable, Sendable, Hashable {
        package var epochs: Int
        package var steps: Int

        package init(epochs: Int, steps: Int) { (self.epochs, self.steps) = (epochs, steps) }
    }

    package struct Method: Codable, Sendable, Hashable {
        package var method: String
        /// Radius of training in grey levels; nil for none.
        package var epsilon: Double?
        package var radii: [Radius]
        package var classes: [Group]
        package var attributes: [Attribute]
        package var confusion: [Confusion]
        package var regions: [Region]
        package var faults: [Fault]
        package var attacks: [Attack]
        package var checks: SelfChecks?
        /// Largest perturbation, relative to what is allowed.
        package var largest: Double
        /// By seed; nil where a run does not tell, and in reports of older versions, as what else is nil.
        package var lengths: [Length]?
        /// At the decision's radius: accuracy under the attacker of random pixels less that under the one of as many protected
        /// pixels, on the images that both were given. Positive where the protected part is the easier target.
        package var adaptive: PilotDifference?
    }

    /// A class or attribute that gains or loses by SIP-AT beside the rival.
    package struct GroupDifference: Codable, Sendable, Hashable {
        package var attribute: String
        package var name: String
        package var difference: PilotDifference
        package var verdict: PilotVerdict
    }

    package struct Comparison: Codable, Sendable, Hashable {
        package var difference: PilotDifference
        package var verdict: PilotVerdict
    }

    /// Where a number comes from.
    package struct Trace: Codable, Sendable, Hashable {
        package var method: String
        package var seed: Int
        package var weights: String
        package var recipe: String
        package var evaluation: String
        /// SHA-256 of the ledger's lines, sorted.
        package var lines: String
        package var folder: String
        package var command: String
    }

    package var format = 1
    package var program: String
    package var plan: PilotPlan
    package var planHash: String
    package var criteriaChanged: Bool
    /// What was asked when the pilot was first started; nil where a version ran it that did not keep it.
    package var start: PilotLedger.Start?
    /// Whether the hashes of all results were kept when they were made, so that none can have been edited since; nil in reports of
    /// older versions.
    package var isSealed: Bool?
    package var recipe: String
    package var stepsPerModel: Int
    package var epochs: Int
    package var parameters: Int
    package var material: PilotMaterial
    package var review: ReviewFacts?
    package var images: Int
    /// How many groups these images belong to; nil where each stands for itself, or nobody knows any more.
    package var testGroups: Int?
    package var recommendation: PilotRecommendation
    package var methods: [Method]
    package var comparisons: [Comparison]
    package var groups: [GroupDifference]
    package var traces: [Trace]
    /// Of the test's attacks.
    package var norm: String?
    package var testAttacks: [TestAttack]?

    /// What the plan asks for beyond what the pilot was first started with.
    package var added: [String] { start.map { PilotLedger.Start(plan).lost(in: $0) } ?? [] }

    package func method(_ method: PilotMethod) -> Method? { methods.first { $0.method == method.rawValue } }

    package func comparison(_ other: String, _ epsilon: Double) -> Comparison? {
        comparisons.first { $0.difference.second == other && $0.difference.epsilon == epsilon }
    }
}
