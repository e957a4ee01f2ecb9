import Diagnostics
import NeuralNet

extension ImageNormalization {
    private static let keys = (mean: "normalization.mean", deviation: "normalization.std")

    /// As a safetensors file of ours says it, beside the weights.
    var metadata: [String: String] {
        func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: " ") }
        return [Self.keys.mean: list(mean), Self.keys.deviation: list(deviation)]
    }

    /// Nil where the metadata say nothing, or nothing that makes sense.
    init?(metadata: [String: String]) {
        func numbers(_ key: String) -> [Float]? {
            let words = metadata[key]?.split(separator: " ").map { Float($0) } ?? []
            return words.isEmpty || words.count > 16 || words.contains(nil) ? nil : words.compactMap { $0 }
        }
        guard let mean = numbers(Self.keys.mean), let deviation = numbers(Self.keys.deviation), mean.count == deviation.count,
            mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 })
        else { return nil }
        self.init(mean: mean, deviation: deviation)
    }
}

/// What a file of weights says of how its model normalises images: in tensors, as other programs keep it, or in the
/// metadata of our own.
struct NormalizationInFile {
    /// The tensors that say so, if they say anything.
    private let tensors: [String]
    /// The constants, where they could be made out.
    private let constants: ImageNormalization?

    init(_ file: SafetensorsFile) throws {
        if let own = ImageNormalization(metadata: file.metadata) {
            (tensors, constants) = ([], own)
            return
        }
        var (mean, deviation): ([Float]?, [Float]?) = (nil, nil)
        var matters = false
        let names = file.names.filter { StateDictNames.isNormalization($0) }
        for name in names where file.dtype(of: name)?.isFloatingPoint == true {
            let values = try file.floats(of: name)
            if !(values.allSatisfy { $0 == 0 } || values.allSatisfy { $0 == 1 }) { matters = true }
            guard values.count == 1 || values.count == 3, values.allSatisfy(\.isFinite) else { continue }
            switch name.split(separator: ".").last {
            case "mu", "mean", "new_mean": mean = values
            case "sigma", "std", "new_std": deviation = values
            default: break
            }
        }
        tensors = matters ? names : []
        guard matters, let mean, let deviation, deviation.allSatisfy({ $0 > 0 }) else {
            constants = nil
            return
        }
        constants = ImageNormalization(mean: mean, deviation: deviation)
    }

    /// What to say to a user whose network normalises with `chosen`.
    func notes(for chosen: ImageNormalization?, words: ModelWords) -> [String] {
        guard constants != nil || !tensors.isEmpty else { return [] }
        let source = tensors.isEmpty ? "the file says" : "the file holds \(tensors.joined(separator: ", ")):"
        let remedy = constants.map { words.normalization($0) } ?? "\(words.setting("mean")) and \(words.setting("std"))"
        guard let chosen else {
            return ["warning: \(source) its model was trained on normalised images, but images are given to it as they are, in [0, 1]; expect wrong numbers\n  → give \(remedy)"]
        }
        guard let constants, !chosen.isNear(constants) else { return [] }
        return ["warning: \(source) its model was trained with other constants (mean \(constants.mean), deviation \(constants.deviation)) than it is given\n  → give \(remedy)"]
    }
}

extension ImageNormalization {
    /// Whether the constants are the same to three digits, as different sources round them.
    fileprivate func isNear(_ other: ImageNormalization) -> Bool {
        let channels = max(mean.count, other.mean.count)
        guard let own = expanded(to: channels), let other = other.expanded(to: channels) else { return false }
        return zip(own.mean + own.deviation, other.mean + other.deviation).allSatisfy { abs($0 - $1) < 2e-3 }
    }
}
