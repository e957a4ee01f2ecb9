import Diagnostics
import NeuralNet

/// What `model.mean` and `model.std` say: nothing, the constants of a data set, or a number for each channel.
package enum ChannelConstants: RecipeConvertible {
    case none
    case preset(ImageNormalization.Preset)
    /// One for each channel, or one for all.
    case values([Double])

    static let names = ["none"] + ImageNormalization.Preset.allCases.map(\.rawValue)

    init?(_ value: RecipeValue) {
        switch value {
        case .text("none"): self = .none
        case .text(let name):
            guard let preset = ImageNormalization.Preset(rawValue: name) else { return nil }
            self = .preset(preset)
        case .numbers(let values): self = .values(values)
        default: return nil
        }
    }

    var recipeValue: RecipeValue {
        switch self {
        case .none: .text("none")
        case .preset(let preset): .text(preset.rawValue)
        case .values(let values): .numbers(values)
        }
    }

    /// The numbers, given which of a preset's are meant; nil for none.
    private func values(_ part: KeyPath<ImageNormalization, [Float]>) -> [Float]? {
        switch self {
        case .none: nil
        case .preset(let preset): preset.normalization[keyPath: part]
        case .values(let values): values.map { Float($0) }
        }
    }

    /// The normalisation that a mean and a deviation make; nil for neither.
    ///
    /// - Parameters:
    ///   - mean, std: each as the user gave it, or `.none`.
    ///   - names: what they are called where the user gave them.
    /// - Throws: `Failure.usage` if one is missing, or they are for different numbers of channels.
    package static func normalization(
        mean: ChannelConstants, std: ChannelConstants, names: (mean: String, std: String)
    ) throws -> ImageNormalization? {
        switch (mean.values(\.mean), std.values(\.deviation)) {
        case (nil, nil): return nil
        case (let means?, let deviations?):
            guard means.count == deviations.count || means.count == 1 || deviations.count == 1 else {
                throw Failure.usage(
                    "\(names.mean) is for \(means.count) channels, \(names.std) for \(deviations.count)", remedy: "give one number for each channel in both")
            }
            return ImageNormalization(mean: means, deviation: deviations)
        case (let means, _):
            let (given, missing) = means == nil ? (names.std, names.mean) : (names.mean, names.std)
            let value = means == nil ? std.recipeValue : mean.recipeValue
            let example = if case .text = value { "\(value)" } else { means == nil ? "[0.5]" : "[1]" }
            throw Failure.usage("\(given) is \(value), but \(missing) is not given", remedy: "give both, for example \(missing) \(example)")
        }
    }

    /// What the user gave for one of the two on the command line.
    ///
    /// - Parameter key: `model.mean` or `model.std`, whose values these are.
    /// - Throws: `Failure.usage` naming the flag.
    package static func parse(_ text: String, key: String, flag: String) throws -> ChannelConstants {
        let field = RecipeSchema.byPath[key]!
        guard let constants = ChannelConstants(try field.parse(text, place: flag)) else {
            throw Failure.internalError("\(flag): \(text) was understood and then not")
        }
        return constants
    }
}
