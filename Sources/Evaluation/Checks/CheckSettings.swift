import Attacks

/// How an evaluation is checked. The figures of B.5 of the field's check lists (Carlini et al. 2019) where they give any.
///
/// Cost per image that the attacks leave standing, in passes forward and back: FGSM 1, PGD 10 + 100, more steps 200, more restarts
/// 500, the sweep over radii 40 each (8 for L∞), the planted weakness 100: about 1,200; and forward only 3,000: Square and noise 1,000
/// each, planting 600. That is less than half of what AutoAttack spends on such an image, on `count` images, whatever the evaluation's number.
package struct CheckSettings: Sendable, Hashable, Codable {
    package var norm: Norm
    /// The radius of all but the sweep.
    package var epsilon: Float
    /// Images looked at, at most, balanced over classes.
    package var count = 64
    /// Images whose gradients are compared with differences.
    package var differenceCount = 16
    package var noiseTries = 1000
    package var squareQueries = 1000
    package var moreIterations = 200
    package var moreRestarts = 5
    package var sweepSteps = 40
    package var plantedSteps = 100
    package var seed: UInt64
    /// What is checked for strength: the evaluation's attacks, or the checks' own where there were none.
    package var attack: String

    package init(norm: Norm, epsilon: Float, seed: UInt64 = 0, attack: String = "apgd-ce, apgd-t") {
        self.norm = norm
        self.epsilon = epsilon
        self.seed = seed
        self.attack = attack
    }

    var threat: ThreatModel { ThreatModel(norm: norm, epsilon: epsilon) }

    /// The radii of the sweep, ascending: for L∞ the usual grid up to 32/255, and one half, where no model can do better than
    /// guess; for L2 multiples of the radius, and half of the way to the farthest image. Last the radius that reaches everything.
    func sweep(values: Int) -> [Float] {
        switch norm {
        case .linf: return [0.5, 1, 2, 4, 8, 16, 32].map { Float($0) / 255 } + [0.5, 1]
        case .l2:
            let whole = Float(values).squareRoot()
            return [0.25, 0.5, 1, 2, 4, 8].map { $0 * epsilon }.filter { $0 < whole / 2 } + [whole / 2, whole]
        }
    }

    /// PGD with its usual step.
    func pgd(_ name: String, steps: Int, epsilon: Float? = nil) -> PGDAttack {
        let threat = ThreatModel(norm: norm, epsilon: epsilon ?? self.epsilon)
        return PGDAttack(name: name, AttackSettings(threat: threat, stepSize: 2.5 * threat.epsilon / Float(steps), steps: steps))
    }

    /// The size of a perturbation relative to what is allowed: the radius, and what rounding may add (as `Admissibility`).
    static func relativeSize(linf: Float, l2: Float, _ norm: Norm, epsilon: Float, values: Int) -> Double {
        switch norm {
        case .linf: Double(linf) / (Double(epsilon) + 2e-7)
        case .l2: Double(l2) / (Double(epsilon) * (1 + 1e-5) + 6e-8 * Double(values).squareRoot())
        }
    }

    var fgsm: PGDAttack {
        PGDAttack(name: "fgsm", AttackSettings(threat: threat, stepSize: epsilon, steps: 1, randomStart: false))
    }
}

/// What the evaluation to be checked came to.
package struct CheckedEvaluation: Sendable, Codable {
    /// Images (by index in the data set) that stand after all its attacks at the radius, and after those that use gradients.
    package var standing: Set<Int>
    package var standingGradients: Set<Int>
    /// Images that were tried by a transfer attack and fell to it; nil where there was none.
    package var fallenToTransfer: Set<Int>?
    /// The size of the largest perturbation relative to what is allowed (`relativeSize`) over all lines of the ledger, and how many lines there are.
    package var largest: Double
    package var perturbed: Int
    /// Lines where an attack said other than the evaluator found.
    package var unconfirmed: Int
    /// Images that a restricted attack broke and the whole-image attack did not, over all radii.
    package var weaknesses: Int

    package init(
        standing: Set<Int>, standingGradients: Set<Int>, fallenToTransfer: Set<Int>?, largest: Double, perturbed: Int, unconfirmed: Int,
        weaknesses: Int
    ) {
        self.standing = standing
        self.standingGradients = standingGradients
        self.fallenToTransfer = fallenToTransfer
        self.largest = largest
        self.perturbed = perturbed
        self.unconfirmed = unconfirmed
        self.weaknesses = weaknesses
    }
}
