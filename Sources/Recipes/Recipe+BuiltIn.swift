import Diagnostics

extension Recipe {
    /// A recipe that comes with the program.
    private enum BuiltIn: String, CaseIterable {
        /// The field's common settings (ResNet-18, PGD-10, 200 epochs), after Rice, Wong and Kolter, ICML 2020.
        case cifar10
        /// People's own images, with a small ResNet-18.
        case images
        /// The settings of the code published with SIP-AT (Redgrave and Czajka, arXiv 2501.09086), for people's own images at
        /// 224×224; `model.name=densenet121` is its second network. Its batch is one micro-batch, as BatchNorm saw it there: a
        /// smaller `data.microBatch` gives work to more ranks.
        case paper
        /// The built-in data, in about a minute.
        case synthetic
    }

    /// The names `builtIn(_:)` knows.
    package static let builtInNames = BuiltIn.allCases.map(\.rawValue)

    /// The recipe of that name that comes with the program.
    ///
    /// - Throws: `Failure.usage` for another name.
    package static func builtIn(_ name: String) throws -> Recipe {
        guard let builtIn = BuiltIn(rawValue: name) else {
            let nearest = nearestName(to: name, among: builtInNames).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage(
                "there is no built-in recipe \"\(name)\"",
                remedy: "\(nearest)Built-in recipes: \(builtInNames.joined(separator: ", "))")
        }
        var recipe = Recipe()
        switch builtIn {
        case .cifar10: break
        case .images:
            recipe.epochs = 30
            recipe.data.name = .images
            recipe.data.batch = 64
            recipe.model.width = 16
            recipe.attack.steps = 7
            recipe.schedule.name = .oneCycle
            recipe.validation.limit = 500
        case .paper:
            recipe.epochs = 50
            recipe.data.name = .images
            recipe.data.size = 224
            recipe.data.channels = .colour
            recipe.data.batch = 32
            recipe.model.name = "resnet50"
            recipe.model.stem = .imagenet
            recipe.model.mean = .preset(.imagenet)
            recipe.model.std = .preset(.imagenet)
            recipe.augmentation = Augmentation(crop: 0, flip: false)
            recipe.attack.stepSize = 1.0 / 255
            recipe.attack.steps = 32
            recipe.optimizer.weightDecay = 1e-6
            recipe.schedule.name = .step
            recipe.schedule.gamma = 0.75
            recipe.validation.metric = .clean
            recipe.validation.ties = .later
        case .synthetic:
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
        }
        return recipe
    }
}
