import Attacks
import Datasets
import Diagnostics
import Evaluation
import Kernels
import MPI
import NeuralNet

/// Makes the perturbed pictures of a study: each method's attack at each radius, on the same images.
///
/// A picture follows from the weights, the image, the radius and the seed alone: not from ranks, nor from how images are grouped.
package struct StudyCrafter {
    /// What one image became.
    package struct Crafted: Sendable {
        /// Among the images.
        package var position: Int
        /// One per condition: height × width × channels, as it is shown.
        package var pictures: [[UInt8]]
        package var measures: [Measure]
    }

    /// What rounding to 8 bits did to one picture.
    package struct Measure: Sendable, Hashable {
        /// The largest change, in units of pixel values, and the share of values changed, as the attack left it.
        package var exactLargest: Float
        package var exactChanged: Float
        /// Whether the model gets it wrong: the clean image, the perturbed one as the attack left it, and as it is shown.
        package var cleanWrong: Bool
        package var exactWrong: Bool
        package var shownWrong: Bool

        static let width = 5

        var encoded: [Float] { [exactLargest, exactChanged, cleanWrong ? 1 : 0, exactWrong ? 1 : 0, shownWrong ? 1 : 0] }

        init(encoded: ArraySlice<Float>) {
            let values = Array(encoded)
            (exactLargest, exactChanged, cleanWrong, exactWrong, shownWrong) = (values[0], values[1], values[2] > 0, values[3] > 0, values[4] > 0)
        }

        init(exactLargest: Float, exactChanged: Float, cleanWrong: Bool, exactWrong: Bool, shownWrong: Bool) {
            (self.exactLargest, self.exactChanged) = (exactLargest, exactChanged)
            (self.cleanWrong, self.exactWrong, self.shownWrong) = (cleanWrong, exactWrong, shownWrong)
        }
    }

    private let methods: [StudyExperiment.Method]
    private let indices: [Int]
    private let epsilons: [Float]
    private let workers: [Worker]
    private let group: Int

    /// - Parameters:
    ///   - indices: images of the data set, which all methods share.
    ///   - steps: of the attack; its steps are 2.5·ε/steps long, from a random start.
    ///   - batch: the most images at a time.
    init(_ methods: [StudyExperiment.Method], indices: [Int], epsilons: [Float], steps: Int, seed: UInt64, batch: Int) {
        (self.methods, self.indices, self.epsilons) = (methods, indices, epsilons)
        workers = methods.map { Worker($0, indices: indices, epsilons: epsilons, steps: steps, seed: seed) }
        group = max(1, min(batch, workers.map(\.capacity).min() ?? 1))
    }

    /// Collective. Images are dealt out in groups; rank 0 takes each as it is done.
    ///
    /// - Parameters:
    ///   - done: positions that are left out; the same on every rank.
    ///   - take: called on rank 0, in the order of the images.
    package func run(_ communicator: Communicator, except done: Set<Int> = [], take: (Crafted) throws -> Void) throws {
        let positions = indices.indices.filter { !done.contains($0) }
        let values = methods[0].experiment.dataset.imageShape.count
        let conditions = methods.count * epsilons.count
        let round = group * communicator.size
        for start in stride(from: 0, to: positions.count, by: round) {
            let first = min(positions.count, start + communicator.rank * group)
            let own = Array(positions[first..<min(positions.count, first + group)])
            let (pictures, measures) = try communicator.agreeing { try craft(own) }
            let (allPictures, allMeasures) = (try communicator.gather(pictures), try communicator.gather(measures))
            try communicator.agreeing {
                guard let allPictures, let allMeasures else { return }
                let (bytes, numbers) = (Array(allPictures.joined()), Array(allMeasures.joined()))
                for (place, position) in positions[start..<min(positions.count, start + round)].enumerated() {
                    let chosen = (0..<conditions).map { place * conditions + $0 }
                    try take(
                        Crafted(
                            position: position, pictures: chosen.map { Array(bytes[$0 * values..<($0 + 1) * values]) },
                            measures: chosen.map { Measure(encoded: numbers[$0 * Measure.width..<($0 + 1) * Measure.width]) }))
                }
            }
        }
    }

    /// Pictures and measures of some images, image by image, conditions in order.
    private func craft(_ positions: [Int]) throws -> (pictures: [UInt8], measures: [Float]) {
        let byMethod = try workers.map { try $0.craft(positions) }
        var (pictures, measures): ([UInt8], [Float]) = ([], [])
        for place in positions.indices {
            for (method, epsilon) in workers.indices.flatMap({ method in epsilons.indices.map { (method, $0) } }) {
                let (picture, measure) = byMethod[method][epsilon][place]
                pictures += picture
                measures += measure.encoded
            }
        }
        return (pictures, measures)
    }
}

/// One method's attack with the memory that it needs.
private final class Worker {
    private let pass: FrozenPass
    private let region: EvaluationProtocol.Region
    private let reader: RegionReader
    private let settings: EvaluationProtocol
    private let epsilons: [Float]
    private let images: FloatBuffer
    private let masks: FloatBuffer
    private let adversarial: FloatBuffer
    private let logits: FloatBuffer

    var capacity: Int { pass.capacity }

    init(_ method: StudyExperiment.Method, indices: [Int], epsilons: [Float], steps: Int, seed: UInt64) {
        let experiment = method.experiment
        pass = experiment.makePass()
        region = method.region
        reader = RegionReader(experiment.dataset, indices: indices, threshold: experiment.settings.salienceThreshold, seed: seed)
        settings = EvaluationProtocol(epsilons: epsilons, steps: steps, seed: seed)
        self.epsilons = epsilons
        let (shape, capacity) = (pass.imageShape, pass.capacity)
        images = FloatBuffer(count: capacity * shape.count)
        masks = FloatBuffer(count: capacity * shape.pixels)
        adversarial = FloatBuffer(count: capacity * shape.count)
        logits = FloatBuffer(count: pass.classes)
    }

    /// - Returns: for each radius, for each image.
    func craft(_ positions: [Int]) throws -> [[(picture: [UInt8], measure: StudyCrafter.Measure)]] {
        let (shape, count) = (pass.imageShape, positions.count)
        guard count > 0 else { return epsilons.map { _ in [] } }
        var (labels, names): ([Int32], [Int]) = ([], [])
        for (place, position) in positions.enumerated() {
            let (label, index) = try reader.load(position, region: region, image: images.pointer + place * shape.count, mask: masks.pointer + place * shape.pixels)
            labels.append(Int32(label))
            names.append(index)
        }
        let cleanWrong = (0..<count).map { isWrong(images.pointer + $0 * shape.count, labels[$0]) }
        return try epsilons.map { epsilon in
            let attack = settings.attack(epsilon: epsilon)
            let mask = region == .all ? nil : UnsafePointer(masks.pointer)
            try ProjectedGradientAscent(attack, imageShape: shape, classes: pass.classes, capacity: count).run(
                model: pass, images: UnsafePointer(images.pointer), labels: labels, mask: mask, count: count, seed: settings.seed, epoch: 0, sampleIndices: names,
                adversarial: adversarial.pointer)
            try Admissibility.check(
                UnsafePointer(images.pointer), UnsafePointer(adversarial.pointer), mask: mask, threat: attack.threat, shape: shape, count: count,
                names: names.map { "\($0)" })
            return (0..<count).map { measure($0, epsilon, labels[$0], cleanWrong[$0]) }
        }
    }

    private func measure(_ place: Int, _ epsilon: Float, _ label: Int32, _ cleanWrong: Bool) -> (picture: [UInt8], measure: StudyCrafter.Measure) {
        let values = pass.imageShape.count
        let (clean, perturbed) = (images.pointer + place * values, adversarial.pointer + place * values)
        let bytes = (0..<values).map { UInt8((clean[$0] * 255).rounded()) }
        let picture = bytes.withUnsafeBufferPointer { EightBits.rounded(UnsafeBufferPointer(start: perturbed, count: values), clean: $0, epsilon: epsilon) }
        var (largest, changed): (Float, Int) = (0, 0)
        for i in 0..<values where perturbed[i] != clean[i] {
            largest = max(largest, abs(perturbed[i] - clean[i]))
            changed += 1
        }
        let exactWrong = isWrong(perturbed, label)
        let shownWrong = picture.map { Float($0) / 255 }.withUnsafeBufferPointer { isWrong($0.baseAddress!, label) }
        return (
            picture,
            .init(
                exactLargest: largest, exactChanged: Float(changed) / Float(values), cleanWrong: cleanWrong, exactWrong: exactWrong, shownWrong: shownWrong)
        )
    }

    private func isWrong(_ image: UnsafePointer<Float>, _ label: Int32) -> Bool {
        pass.logits(of: image, batch: 1, into: logits.pointer)
        return CrossEntropy.prediction(logits.pointer, classes: pass.classes) != Int(label)
    }
}
