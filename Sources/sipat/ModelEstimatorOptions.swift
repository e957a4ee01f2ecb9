import ArgumentParser
import Diagnostics
import Experiments

/// What a model is asked, and how, on the command line.
struct ModelEstimatorOptions: ParsableArguments {
    @Option(help: "For gradient, smoothgrad, integrated-gradients and grad-cam: a run's folder (its best checkpoint), a checkpoint's, or a safetensors file.")
    var weights: String?
    @OptionGroup var model: ModelOptions
    @Option(name: .customLong("class"), help: "The class whose evidence is looked for: predicted, label (the images' own), or a class's name or number.")
    var target = "predicted"
    @Option(help: "How a pixel's channels become one value: max or sum (not grad-cam).")
    var channels: String?
    @Option(help: "smoothgrad: noisy copies of each image; 25 if not given.")
    var samples: Int?
    @Option(help: "smoothgrad: deviation of the noise as a share of the image's range; 0.15 if not given.")
    var noise: Double?
    @Option(help: "smoothgrad: seed of the noise; 0 if not given.")
    var seed: Int?
    @Option(help: "integrated-gradients: points between a black image and the image; 32 if not given.")
    var steps: Int?

    /// The request for an estimator; nil if `estimator` needs no model.
    ///
    /// - Throws: `Failure.usage` for flags that are missing, wrong, or another estimator's.
    func request(estimator: String) throws -> ModelSalienceRequest? {
        let given: [(flag: String, isGiven: Bool, owner: ModelEstimatorName?)] = [
            ("--samples", samples != nil, .smoothGrad), ("--noise", noise != nil, .smoothGrad), ("--seed", seed != nil, .smoothGrad),
            ("--steps", steps != nil, .integratedGradients), ("--weights", weights != nil, nil), ("--channels", channels != nil, nil),
        ]
        guard let name = ModelEstimatorName(rawValue: estimator) else {
            if let flag = given.first(where: \.isGiven)?.flag {
                throw Failure.usage(
                    "\(flag) is given, but the estimator \(estimator) asks no model",
                    remedy: "leave it out, or take --estimator \(ModelEstimatorName.allCases.map(\.rawValue).joined(separator: " | "))")
            }
            return nil
        }
        for (flag, isGiven, owner) in given where isGiven && owner != nil && owner != name {
            throw Failure.usage("\(flag) is given, but is an option of \(owner!.rawValue), not of \(name.rawValue)", remedy: "leave it out")
        }
        guard let weights else {
            throw Failure.usage("--weights is missing", remedy: "\(name.rawValue) asks a model: name a run's folder, a checkpoint or a safetensors file")
        }
        var settings = ModelSalienceSettings(name)
        settings.channels = try choice(channels, flag: "--channels") ?? settings.channels
        settings.samples = samples ?? settings.samples
        settings.noise = noise ?? settings.noise
        settings.steps = steps ?? settings.steps
        guard (1...100_000).contains(settings.samples), (1...100_000).contains(settings.steps) else {
            throw Failure.usage("--samples and --steps must be from 1 to 100000")
        }
        guard settings.noise >= 0, settings.noise <= 10 else { throw Failure.usage("--noise is \(settings.noise), expected 0 to 10") }
        guard seed ?? 0 >= 0 else { throw Failure.usage("--seed must be at least 0") }
        settings.seed = UInt64(seed ?? 0)
        var className: String?
        switch target {
        case "predicted": settings.target = .predicted
        case "label": settings.target = .label
        default: className = target
        }
        return try ModelSalienceRequest(weights: expandingTilde(weights), model: model.request(), settings: settings, className: className)
    }
}
