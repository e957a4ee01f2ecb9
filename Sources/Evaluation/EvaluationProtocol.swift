import Attacks
import Salience

/// What is asked of a model: which attacks, at which radii, over which pixels.
package struct EvaluationProtocol: Sendable, Hashable, Codable {
    /// The pixels an attacker may change.
    package enum Region: String, Sendable, Hashable, Codable, CaseIterable {
        case all
        case salient
        case background
        /// As large as the salient region, in a random place.
        case random
    }

    package var norm: Norm
    /// Radii, ascending or not; 0 stands for the clean images.
    package var epsilons: [Float]
    package var steps: Int
    /// Nil for `relativeStepSize` · ε / steps at each ε.
    package var stepSize: Float?
    /// 2.5 as in Madry et al. (ICLR 2018); 1 for FGSM.
    package var relativeStepSize: Float
    package var randomStart: Bool
    /// Independent random starts. An image counts as robust if it is classified rightly as it is and under every
    /// perturbation tried; once it has fallen it is not attacked again.
    package var restarts: Int
    package var region: Region
    /// As in training: a pixel is background if 1 − salience is at least this, else salient.
    package var salienceThreshold: Float
    /// The share of each image that is salient, its most salient pixels; nil where the threshold decides.
    package var salienceCoverage: Double?
    package var seed: UInt64

    package init(
        norm: Norm = .linf, epsilons: [Float], steps: Int = 20, stepSize: Float? = nil,
        relativeStepSize: Float = 2.5, randomStart: Bool = true, restarts: Int = 1, region: Region = .all, salienceThreshold: Float = 0.5, seed: UInt64 = 0
    ) {
        self.norm = norm
        self.epsilons = epsilons
        self.steps = steps
        self.stepSize = stepSize
        self.relativeStepSize = relativeStepSize
        self.randomStart = randomStart
        self.restarts = restarts
        self.region = region
        self.salienceThreshold = salienceThreshold
        self.seed = seed
    }

    /// The attack at radius `epsilon`.
    package func attack(epsilon: Float) -> AttackSettings {
        AttackSettings(
            threat: ThreatModel(norm: norm, epsilon: epsilon), stepSize: stepSize ?? relativeStepSize * epsilon / Float(steps),
            steps: steps, randomStart: randomStart)
    }
}
