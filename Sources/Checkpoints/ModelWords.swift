import NeuralNet

/// How a user says what a model is, for remedies.
package enum ModelWords: Sendable {
    /// As to `sipat evaluate`: `--stem imagenet`.
    case flags
    /// As in a recipe: `model.stem=imagenet`.
    case recipe

    /// The setting of a model that is called `name`, with a value if there is one to suggest.
    func setting(_ name: String, _ value: String? = nil) -> String {
        switch self {
        case .flags: "--\(name == "name" ? "model" : name)" + (value.map { " \($0)" } ?? "")
        case .recipe: "model.\(name)" + (value.map { "=\($0)" } ?? "")
        }
    }

    /// Both constants of a normalisation.
    func normalization(_ normalization: ImageNormalization) -> String {
        func list(_ values: [Float]) -> String { values.map { "\($0)" }.joined(separator: ",") }
        return setting("mean", list(normalization.mean)) + " " + setting("std", list(normalization.deviation))
    }

    /// What to do about weights for another number of classes, or of an image's channels.
    var otherData: String {
        switch self {
        case .flags: "give the data set that it was trained on (--data)"
        case .recipe: "take a data set of such images (data.channels makes people's own grey or coloured)"
        }
    }
}
