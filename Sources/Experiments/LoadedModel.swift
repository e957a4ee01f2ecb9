import Checkpoints
import Diagnostics
import Kernels
import NeuralNet
import Recipes

/// A model with the weights that a user names, and what its run or its file says of it where the user does not.
package struct LoadedModel {
    package let configuration: ModelConfiguration
    package let state: ModelState
    /// What the user should know, a line each; warnings begin with the word.
    package let notes: [String]

    /// - Parameters:
    ///   - options: what the user says of the network.
    ///   - input, classes: of the images that it is to be given.
    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(_ source: WeightsSource, options: EvaluationRequest.Model, input: ImageShape, classes: Int) throws {
        configuration = try Self.configuration(options, source: source)
        let network = try configuration.network(input: input, classes: classes)
        var need = MemoryNeed()
        // Weights, and filters prepared for both directions.
        need.add(3, network.parameterCount, MemoryLayout<Float>.size)
        try requireMemory(need, for: "\(configuration.name) of width \(configuration.width)", remedy: "use a machine with more memory, or fewer ranks")
        state = ModelState(network: network)
        notes = ["weights: \(source.account)"] + (try ModelWeights.load(source.path, into: state))
    }

    /// The weights, frozen.
    package func frozen(backend: KernelBackend = .standard, precision: ProductPrecision = .float32) -> FrozenModel {
        let filters = PreparedFilters(network: state.network, backend: backend, precision: precision)
        let model = FrozenModel(network: state.network, filters: filters)
        model.freeze(state)
        return model
    }

    private static func configuration(_ options: EvaluationRequest.Model, source: WeightsSource) throws -> ModelConfiguration {
        let trained = try source.recipe?.modelConfiguration()
        guard let name = options.name ?? trained?.name else {
            if let failure = source.recipeFailure { throw failure }
            throw Failure.usage("--model is missing", remedy: "name the network: --model \(ModelConfiguration.names.joined(separator: " | "))")
        }
        // The options of a run belong to its own network.
        let own = try ModelConfiguration(name: name).name == trained?.name ? trained : nil
        let isWide = own?.name == "wide-resnet"
        let normalization: ImageNormalization?
        if let given = options.normalization {
            normalization = given
        } else if let trained {
            normalization = trained.normalization
        } else {
            normalization = try ModelWeights.normalization(in: source.path)
        }
        return try ModelConfiguration(
            name: name, width: options.width ?? own?.width, stem: options.stem ?? trained?.stem ?? .cifar,
            depth: options.depth ?? (isWide && options.name == nil ? own?.depth : nil),
            widen: options.widen ?? (isWide && options.name == nil ? own?.widen : nil), normalization: normalization)
    }
}
