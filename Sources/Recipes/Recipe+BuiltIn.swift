import Diagnostics

extension Recipe {
    /// The names `builtIn(_:)` knows.
    package static let builtInNames = ["cifar10", "images", "paper", "synthetic"]

    /// A recipe that comes with the program.
    ///
    /// - `cifar10`: the field's common settings (ResNet-18, PGD-10, 200 epochs), after Rice, Wong and Kolter, ICML 2020.
    /// - `images`: people's own images, with a small ResNet-18.
    /// - `paper`: the settings of the code published with SIP-AT (Redgrave and Czajka, arXiv 2501.09086).
    /// - `synthetic`: the built-in data, in about a minute.
    /// - Throws: `Failure.usage` for another name.
    package static func builtIn(_ name: String) throws -> Recipe {
        var recipe = Recipe()
        switch name {
        case "cifar10": break
        case "images":
            recipe.epochs = 30
            recipe.data.name = .images
            recipe.data.batch = 64
            recipe.model.width = 16
            recipe.attack.steps = 7
            recipe.schedule.name = .oneCycle
            recipe.validation.limit = 500
        case "paper":
            recipe.epochs = 50
            recipe.data.batch = 32
            recipe.augmentation = Augmentation(crop: 0, flip: false)
            recipe.attack.stepSize = 1.0 / 255
            recipe.attack.steps = 32
            recipe.optimizer.weightDecay = 1e-6
            recipe.schedule.name = .step
            recipe.schedule.gamma = 0.75
            recipe.validation.metric = .clean
        case "synthetic":
            recipe.epochs = 12
            recipe.data.name = .synthetic
            recipe.data.batch = 64
            recipe.synthetic.train = 3000
            recipe.augmentation = Augmentation(crop: 0, flip: false)
            recipe.model.name = "cnn"
            recipe.model.width = 16
            recipe.attack.steps = 4
            recipe.schedule.name = .oneCycle
            recipe.validation.limit = 200
            recipe.validation.steps = 5
            recipe.validation.metric = .clean
        default:
            let nearest = nearestName(to: name, among: builtInNames).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage(
                "there is no built-in recipe \"\(name)\"",
                remedy: "\(nearest)Built-in recipes: \(builtInNames.joined(separator: ", "))")
        }
        return recipe
    }
}
