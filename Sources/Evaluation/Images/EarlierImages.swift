import Attacks
import Diagnostics
import Kernels
import NeuralNet

/// Tries the images that fooled earlier models.
struct EarlierImages: Attack {
    let name = "against"
    let threat: ThreatModel
    let corpus: Corpus

    func description(classes: Int) -> AttackDescription {
        AttackDescription(name: name, threat: threat, settings: ["models": "\(Set(corpus.members.map(\.model)).count)"])
    }

    func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) -> any AttackRunner {
        EarlierImagesRunner(corpus, threat, imageShape, classes: classes)
    }
}

private final class EarlierImagesRunner: AttackRunner {
    private let choice: StrongestCandidate
    private let shape: ImageShape
    private let image: FloatBuffer
    private let mask: FloatBuffer
    private let strongest: FloatBuffer

    init(_ corpus: Corpus, _ threat: ThreatModel, _ shape: ImageShape, classes: Int) {
        self.shape = shape
        choice = StrongestCandidate(corpus, threat, shape, classes: classes)
        image = FloatBuffer(count: shape.count)
        mask = FloatBuffer(count: shape.pixels)
        strongest = FloatBuffer(count: shape.count)
    }

    func run(
        model: some DifferentiableClassifier, on images: some AttackImages, seed: UInt64, finish: (FinishedImage) throws -> Void
    ) throws {
        var position = 0
        while position < images.count {
            mask.fill(1)
            let (label, index) = try images.load(position, image: image.pointer, mask: mask.pointer)
            strongest.copy(from: image)
            var claim = AttackClaim()
            let found = try choice.find(index: index, label: label, image: image.pointer, model: model, into: strongest.pointer)
            claim.forwardQueries = found.tried
            claim.succeeded = found.succeeded
            if found.tried == 0 { claim.variant = .none }
            try finish(
                FinishedImage(
                    position: position, index: index, label: label, image: UnsafePointer(image.pointer),
                    mask: UnsafePointer(mask.pointer), adversarial: UnsafePointer(strongest.pointer), claim: claim))
            position += 1
        }
    }
}

/// Of the candidates for an image the one with the largest loss, misclassified ones first.
final class StrongestCandidate {
    private let corpus: Corpus
    private let threat: ThreatModel
    private let shape: ImageShape
    private let candidate: FloatBuffer
    private let mask: FloatBuffer
    private let logits: FloatBuffer

    init(_ corpus: Corpus, _ threat: ThreatModel, _ shape: ImageShape, classes: Int) {
        self.corpus = corpus
        self.threat = threat
        self.shape = shape
        candidate = FloatBuffer(count: shape.count)
        mask = FloatBuffer(count: shape.pixels)
        logits = FloatBuffer(count: classes)
        mask.fill(1)
    }

    /// - Parameter strongest: overwritten if any was tried.
    /// - Throws: `Failure.badData` if one is outside the ball.
    func find(
        index: Int, label: Int, image: UnsafePointer<Float>, model: any DifferentiableClassifier, into strongest: UnsafeMutablePointer<Float>
    ) throws -> (tried: Int, succeeded: Bool) {
        var (tried, succeeded, largest) = (0, false, -Float.infinity)
        for source in corpus.candidates(index: index, epsilon: threat.epsilon) {
            try source.file.read(
                from: source.position * shape.count, into: UnsafeMutableRawBufferPointer(start: candidate.pointer, count: 4 * shape.count))
            do {
                try Admissibility.check(image, candidate.pointer, mask: nil, threat: threat, shape: shape, count: 1, names: ["\(index)"])
            } catch let failure as Failure {
                throw Failure.badData("\(source.file.path): \(failure.message)", remedy: "the file was changed, or the data set: leave this evaluation out")
            }
            model.logits(of: candidate.pointer, batch: 1, into: logits.pointer)
            let falls = CrossEntropy.prediction(logits.pointer, classes: model.classes) != label
            let loss = LogitLoss.crossEntropy.evaluate(logits.pointer, classes: model.classes, label: label, derivative: nil)
            tried += 1
            guard tried == 1 || (falls, loss) > (succeeded, largest) else { continue }
            (succeeded, largest) = (falls, loss)
            strongest.update(from: candidate.pointer, count: shape.count)
        }
        return (tried, succeeded)
    }
}

private func > (a: (Bool, Float), b: (Bool, Float)) -> Bool { a.0 != b.0 ? a.0 : a.1 > b.1 }

/// Starts at the strongest of the images that fooled earlier models.
final class CorpusStarts: StartingPoints {
    private let choice: StrongestCandidate
    private let model: any DifferentiableClassifier
    private let reader: RegionReader
    private let image: FloatBuffer
    private let mask: FloatBuffer

    init(_ corpus: Corpus, model: any DifferentiableClassifier, reader: RegionReader, threat: ThreatModel) {
        self.model = model
        self.reader = reader
        choice = StrongestCandidate(corpus, threat, model.imageShape, classes: model.classes)
        image = FloatBuffer(count: model.imageShape.count)
        mask = FloatBuffer(count: model.imageShape.pixels)
    }

    func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool {
        let (label, index) = try reader.load(position, region: .all, image: image.pointer, mask: mask.pointer)
        return try choice.find(index: index, label: label, image: image.pointer, model: model, into: point).tried > 0
    }
}
