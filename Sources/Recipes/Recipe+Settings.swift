import Attacks
import Datasets
import Images
import NeuralNet
import Salience

/// The settings of the other rooms, as a recipe gives them.
extension Recipe {
    /// - Throws: `Failure.usage` for options that the network does not have.
    package func modelConfiguration() throws -> ModelConfiguration {
        func option(_ value: Int) -> Int? { value == 0 ? nil : value }
        return try ModelConfiguration(
            name: model.name, width: option(model.width), stem: model.stem, depth: option(model.depth), widen: option(model.widen),
            normalization: try ChannelConstants.normalization(mean: model.mean, std: model.std, names: ("model.mean", "model.std")))
    }

    package var optimizerSettings: OptimizerSettings {
        OptimizerSettings(
            momentum: Float(optimizer.momentum), nesterov: optimizer.nesterov, weightDecay: Float(optimizer.weightDecay))
    }

    /// The attack on each batch, whatever the mode. That of `n-fgsm` is not projected: its ball is as large as noise and step
    /// together.
    package var attackSettings: AttackSettings {
        func settings(reach: Double = 1, stepSize: Double, steps: Int = 1, randomStart: Bool = true) -> AttackSettings {
            AttackSettings(
                threat: ThreatModel(
                    norm: attack.norm, epsilon: Float(reach * attack.epsilon), epsilonSalient: Float(reach * attack.epsilonSalient)),
                stepSize: Float(stepSize), steps: steps, randomStart: randomStart, maskTime: attack.maskWhen)
        }
        return switch attack.name {
        case .pgd: settings(stepSize: attack.stepSize, steps: attack.steps, randomStart: attack.randomStart)
        case .fgsmRS, .free: settings(stepSize: stepRatio * attack.epsilon)
        case .nFGSM: settings(reach: attack.noiseRatio + stepRatio, stepSize: stepRatio * attack.epsilon)
        }
    }

    /// A single-step method's step, as a multiple of epsilon.
    private var stepRatio: Double { attack.stepRatio > 0 ? attack.stepRatio : attack.name == .fgsmRS ? 1.25 : 1 }

    /// What the attack climbs.
    package var attackLoss: AscentLoss { objective.name == .trades ? .divergence : .crossEntropy }

    /// Where the attack begins.
    package var attackStart: AscentStart {
        switch attack.name {
        case .fgsmRS, .free: return .uniform(share: 1)
        case .nFGSM: return .uniform(share: Float(attack.noiseRatio / (attack.noiseRatio + stepRatio)))
        case .pgd:
            guard attack.randomStart else { return .image }
            let isNormal = attack.start == .normal || attack.start == .automatic && objective.name != .crossEntropy
            return isNormal ? .normal(deviation: 0.001) : .uniform(share: 1)
        }
    }

    /// How salience becomes the perturbation mask.
    ///
    /// - Throws: `Failure.usage` for a threshold that no mask can have.
    package func mask() throws -> PerturbationMask {
        try PerturbationMask(attack.mask, threshold: Float(attack.threshold))
    }

    /// How maps are changed before masks are made of them.
    package var salienceRule: SalienceRule {
        let control: SalienceControl? =
            switch salience.source {
            case .own: nil
            case .random: .random
            case .shuffled: .shuffled
            case .centrePrior: .centrePrior
            }
        return SalienceRule(control: control, coverage: salience.coverage, threshold: backgroundThreshold, seed: randomSeed, redrawn: salience.redraw)
    }

    /// The threshold at which a binary mask has this recipe's salient pixels.
    package var backgroundThreshold: Float {
        let threshold = Float(attack.threshold)
        // An inverted mask protects S < t: 1 − S > 1 − t.
        return attack.mask == .inverted ? (1 - threshold).nextUp : threshold
    }

    /// The built-in data set that `synthetic.…` describes.
    package var syntheticConfiguration: SyntheticConfiguration {
        var configuration = SyntheticConfiguration()
        configuration.classes = synthetic.classes
        configuration.size = synthetic.size
        configuration.channels = synthetic.channels == .grey ? 1 : 3
        configuration.trainCount = synthetic.train
        configuration.testCount = synthetic.test
        configuration.difficulty = synthetic.difficulty
        configuration.backgroundCorrelation = synthetic.backgroundCorrelation
        configuration.seed = UInt64(synthetic.seed)
        return configuration
    }

    /// What each training image goes through.
    package var augmentationSettings: Datasets.Augmentation {
        let crop: GeometryRule? =
            augmentation.resizedCrop == 0
            ? nil : .randomResizedCrop(scale: augmentation.resizedCrop...1, ratio: 3.0 / 4...4.0 / 3)
        return Datasets.Augmentation(cropPadding: augmentation.crop, horizontalFlip: augmentation.flip, randomResizedCrop: crop)
    }

    /// How people's own images are read.
    package var imagesConfiguration: ImagesConfiguration {
        var configuration = ImagesConfiguration()
        configuration.size = data.size
        configuration.channels = data.channels == .own ? nil : data.channels == .grey ? .grey : .colour
        configuration.fit = data.fit
        configuration.collection = CollectionOptions(labelFrom: data.labelFrom, testShare: data.testShare, seed: UInt64(data.splitSeed))
        configuration.maximumPixels = data.maximumPixels
        return configuration
    }

    /// The key of every random choice.
    package var randomSeed: UInt64 { UInt64(seed) }
}
