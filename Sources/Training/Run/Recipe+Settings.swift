import Attacks
import NeuralNet
import Salience

/// The settings of the other rooms, as a recipe gives them.
extension Recipe {
    package func modelConfiguration() throws -> ModelConfiguration {
        func option(_ key: String) -> Int? { integer(key) == 0 ? nil : integer(key) }
        return try ModelConfiguration(
            name: text("model.name"), width: option("model.width"), stem: .init(rawValue: text("model.stem"))!,
            depth: option("model.depth"), widen: option("model.widen"))
    }

    package var optimizerSettings: OptimizerSettings {
        OptimizerSettings(
            momentum: Float(number("optimizer.momentum")), nesterov: flag("optimizer.nesterov"),
            weightDecay: Float(number("optimizer.weightDecay")))
    }

    /// What the step does in this recipe's mode. Plain adversarial training is SIP-AT without a mask.
    package func stepSettings() throws -> StepSettings {
        var attack: StepSettings.Attack?
        if mode != .natural {
            let settings = AttackSettings(
                threat: ThreatModel(norm: norm, epsilon: epsilon, epsilonSalient: epsilonSalient),
                stepSize: Float(number("attack.stepSize")), steps: integer("attack.steps"),
                randomStart: flag("attack.randomStart"), maskTime: .init(rawValue: text("attack.maskWhen"))!)
            attack = .init(settings, batchNorm: .init(rawValue: text("attack.batchNorm"))!)
        }
        return StepSettings(
            attack: attack,
            mask: mode == .sipAT
                ? try PerturbationMask(name: text("attack.mask"), threshold: Float(number("attack.threshold"))) : nil,
            labelSmoothing: Float(number("optimizer.labelSmoothing")), seed: seed)
    }

    package var norm: Norm { Norm(rawValue: text("attack.norm"))! }
}
