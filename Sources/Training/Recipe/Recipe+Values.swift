/// A recipe's values under the names the code uses.
extension Recipe {
    package enum Mode: String, Sendable {
        case natural
        case at
        case sipAT = "sip-at"
    }

    package var mode: Mode { Mode(rawValue: text("mode"))! }
    package var seed: UInt64 { UInt64(integer("seed")) }
    package var epochs: Int { integer("epochs") }

    package var dataName: String { text("data.name") }
    package var directory: String { text("data.directory") }
    package var validationShare: Double { number("data.validation") }
    package var limit: Int { integer("data.limit") }
    package var batch: Int { integer("data.batch") }
    package var microBatch: Int { integer("data.microBatch") }

    package var crop: Int { integer("augmentation.crop") }
    package var flip: Bool { flag("augmentation.flip") }

    package var epsilon: Float { Float(number("attack.epsilon")) }
    package var epsilonSalient: Float { Float(number("attack.epsilonSalient")) }

    /// Whether the best checkpoint is the one with the best accuracy on clean images.
    package var picksByCleanAccuracy: Bool {
        let metric = text("validation.metric")
        return metric == "clean" || metric == "automatic" && mode == .natural
    }

    package var salienceMaps: String { text("salience.maps") }
    package var salienceEstimator: String { text("salience.estimator") }

    package func text(_ path: String) -> String {
        guard case .text(let value)? = values[path] else { preconditionFailure("\(path) is no text") }
        return value
    }

    package func integer(_ path: String) -> Int {
        guard case .integer(let value)? = values[path] else { preconditionFailure("\(path) is no integer") }
        return value
    }

    package func number(_ path: String) -> Double {
        guard case .number(let value)? = values[path] else { preconditionFailure("\(path) is no number") }
        return value
    }

    package func flag(_ path: String) -> Bool {
        guard case .flag(let value)? = values[path] else { preconditionFailure("\(path) is no flag") }
        return value
    }

    package func integers(_ path: String) -> [Int] {
        guard case .integers(let value)? = values[path] else { preconditionFailure("\(path) is no list") }
        return value
    }
}
