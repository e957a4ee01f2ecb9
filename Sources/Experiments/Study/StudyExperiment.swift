import Datasets
import Diagnostics
import Evaluation
import Kernels
import Recipes
import Salience

/// Models whose perturbations are shown to people, with the images they share. The same on every rank.
package struct StudyExperiment {
    /// A model, and which pixels its attack may change.
    package struct Method {
        package let name: String
        package let experiment: EvaluationExperiment
        package let region: EvaluationProtocol.Region
    }

    package let methods: [Method]
    /// Images of the data set: those compared under all conditions, then those of catch trials.
    package let indices: [Int]
    package var dataset: any ImageSource { methods[0].experiment.dataset }

    /// - Parameters:
    ///   - weights: name and path of each.
    ///   - regions: by name; where it is not said, `background` for a run that was trained by SIP-AT, `all` for others.
    ///   - request: of the first; each other one has other weights.
    ///   - images: how many are needed.
    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(_ weights: [(name: String, path: String)], regions: [String: EvaluationProtocol.Region], request: EvaluationRequest, images: Int, seed: UInt64) throws {
        methods = try weights.map { name, path in
            var own = request
            own.weights = path
            let source = try WeightsSource(path)
            let region = regions[name] ?? (source.recipe?.mode == .sipAT ? .background : source.recipe != nil ? .all : nil)
            guard let region else {
                throw Failure.usage("\(path) does not say how it was trained", remedy: "say which pixels its attack may change: --region \(name)=all or \(name)=background")
            }
            (own.settings.region, own.needsSalience) = (region, region != .all)
            let experiment: EvaluationExperiment
            do { experiment = try EvaluationExperiment(own) } catch let failure as Failure where region == .background && failure.message.hasPrefix("--region background") {
                throw Failure.usage("\(name) changes the background only, which needs salience maps", remedy: "give --salience with maps of this split, or --region \(name)=all")
            }
            return Method(name: name, experiment: experiment, region: region)
        }
        let first = methods[0].experiment.dataset
        for method in methods.dropFirst() {
            guard method.experiment.dataset.fingerprint == first.fingerprint, method.experiment.dataset.imageShape == first.imageShape else {
                throw Failure.usage(
                    "\(methods[0].name) and \(method.name) look at different images: \(first.name) (\(first.fingerprint.prefix(12))) and \(method.experiment.dataset.name) (\(method.experiment.dataset.fingerprint.prefix(12)))",
                    remedy: "name the images with --data")
            }
        }
        indices = try Self.indices(methods, count: images, seed: seed)
    }

    /// Images at random. Where a method spares what is salient, only those in which something is salient and something is not.
    private static func indices(_ methods: [Method], count: Int, seed: UInt64) throws -> [Int] {
        let dataset = methods[0].experiment.dataset
        let masked = methods.filter { $0.region != .all }
        let all = Array(0..<dataset.count)
        let readers = masked.map { RegionReader($0.experiment.dataset, indices: all, threshold: $0.experiment.settings.salienceThreshold, seed: seed) }
        let shape = dataset.imageShape
        let (image, mask) = (FloatBuffer(count: shape.count), FloatBuffer(count: shape.pixels))
        var chosen: [Int] = []
        for index in Philox(seed: seed, purpose: .study, epoch: (1 << 23) - 1).permutation(dataset.count) where chosen.count < count {
            var isUsable = true
            for (method, reader) in zip(masked, readers) where isUsable {
                isUsable = method.experiment.dataset.salienceState(of: index) == .map
                guard isUsable else { break }
                _ = try reader.load(index, region: method.region, image: image.pointer, mask: mask.pointer)
                let free = (0..<shape.pixels).count { mask[$0] > 0 }
                isUsable = free > 0 && free < shape.pixels
            }
            if isUsable { chosen.append(index) }
        }
        guard chosen.count == count else {
            throw Failure.usage(
                "--trials needs \(count) images, and \(dataset.name) has \(chosen.count)\(masked.isEmpty ? "" : " with a map that marks something and leaves something")",
                remedy: "ask for fewer trials, or name a larger split")
        }
        return chosen
    }

    /// What makes the pictures of the first `count` images.
    package func crafter(first count: Int, epsilons: [Float], steps: Int, seed: UInt64, batch: Int) -> StudyCrafter {
        StudyCrafter(methods, indices: Array(indices.prefix(count)), epsilons: epsilons, steps: steps, seed: seed, batch: batch)
    }

    /// For the record: the weights' file, its SHA-256, and the network.
    package func origin(of method: Method) throws -> (weights: String, sha256: String, network: String) {
        let model = try method.experiment.modelDescription()
        return (model.weights, model.sha256, model.name)
    }
}
