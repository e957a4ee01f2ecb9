import Diagnostics
import Kernels
import NeuralNet

/// Runs attacks that are written as lanes: asks the model for all lanes at once.
///
/// A round asks for the logits and then for the gradients that lanes want. Which lanes share a call changes nothing, as a
/// `DifferentiableClassifier` answers for each image on its own. Lanes whose image is done take the next one, so that calls
/// stay full to the end.
final class LaneRunner<Lane: AttackLane>: AttackRunner {
    private let name: String
    private let threat: ThreatModel
    private let shape: ImageShape
    private let classes: Int
    private let lanes: [Lane]
    /// The images the lanes are at.
    private var work: [Work?]
    private let images: FloatBuffer
    private let masks: FloatBuffer
    /// The masks, spread over the channels.
    private let free: FloatBuffer
    private let starts: FloatBuffer
    private let points: FloatBuffer
    private let gradients: FloatBuffer
    private let logits: FloatBuffer
    /// The lanes of the call that is being made.
    private var asking: [Int] = []

    private struct Work {
        var position: Int
        var index: Int
        var label: Int
        var freePixels: Int
        var hasStart: Bool
        var forwardQueries = 0
        var gradientQueries = 0
    }

    init(_ attack: some Attack, shape: ImageShape, classes: Int, lanes: [Lane]) {
        name = attack.name
        threat = attack.threat
        self.shape = shape
        self.classes = classes
        self.lanes = lanes
        work = Array(repeating: nil, count: lanes.count)
        images = FloatBuffer(count: lanes.count * shape.count)
        masks = FloatBuffer(count: lanes.count * shape.pixels)
        free = FloatBuffer(count: lanes.count * shape.count)
        starts = FloatBuffer(count: lanes.count * shape.count)
        points = FloatBuffer(count: lanes.count * shape.count)
        gradients = FloatBuffer(count: lanes.count * shape.count)
        logits = FloatBuffer(count: lanes.count * classes)
        asking.reserveCapacity(lanes.count)
    }

    func run(
        model: some DifferentiableClassifier, on images: some AttackImages, seed: UInt64,
        finish: (FinishedImage) throws -> Void
    ) throws {
        guard model.imageShape == shape, model.classes == classes else {
            throw Failure.internalError(
                "\(name) for images of \(shape) in \(classes) classes met a model of \(model.imageShape) in \(model.classes)")
        }
        let width = min(lanes.count, model.capacity)
        for lane in lanes.indices { work[lane] = nil }
        var next = 0
        while true {
            // An image that is finished by a look at it makes room for another.
            while next < images.count, work[..<width].contains(where: { $0 == nil }) {
                asking.removeAll(keepingCapacity: true)
                for lane in 0..<width where work[lane] == nil && next < images.count {
                    try load(next, of: images, lane: lane)
                    asking.append(lane)
                    next += 1
                }
                try begin(model, seed, finish)
            }
            guard work.contains(where: { $0 != nil }) else { return }
            try askForLogits(model)
            try askForGradients(model)
            for lane in 0..<width {
                guard work[lane] != nil, lanes[lane].question == .none else { continue }
                try end(lane, lanes[lane].claim, adversarial: lanes[lane].result, finish)
            }
        }
    }

    private func load(_ position: Int, of images: some AttackImages, lane: Int) throws {
        let (image, mask) = (self.images.pointer + lane * shape.count, masks.pointer + lane * shape.pixels)
        mask.update(repeating: 1, count: shape.pixels)
        let (label, index) = try images.load(position, image: image, mask: mask)
        guard (0..<classes).contains(label) else {
            throw Failure.badData("image \(index) has label \(label), and the model \(classes) classes")
        }
        let free = self.free.pointer + lane * shape.count
        var freePixels = 0
        for pixel in 0..<shape.pixels {
            let m = mask[pixel]
            guard m == 0 || m == 1 else {
                throw Failure.usage(
                    "\(name): the mask of image \(index) is \(m) at pixel (\(pixel / shape.width), \(pixel % shape.width)), expected 0 or 1",
                    remedy: "soft masks are for pgd: binarise the mask")
            }
            freePixels += m == 1 ? 1 : 0
            (free + pixel * shape.channels).update(repeating: m, count: shape.channels)
        }
        let start = starts.pointer + lane * shape.count
        let hasStart = try images.start(position, into: start)
        if hasStart {
            MaskedMove(threat: threat, image: UnsafePointer(image), free: UnsafePointer(free), count: shape.count).project(start)
        }
        work[lane] = Work(position: position, index: index, label: label, freePixels: freePixels, hasStart: hasStart)
    }

    /// Shows the model the images that `asking` lanes were given, and starts the attack on those that stand.
    private func begin(
        _ model: some DifferentiableClassifier, _ seed: UInt64, _ finish: (FinishedImage) throws -> Void
    ) throws {
        for (place, lane) in asking.enumerated() {
            (points.pointer + place * shape.count).update(from: images.pointer + lane * shape.count, count: shape.count)
        }
        model.logits(of: UnsafePointer(points.pointer), batch: asking.count, into: logits.pointer)
        try requireFinite(logits, count: classes, "logits", "are")
        var untouched: [(lane: Int, claim: AttackClaim)] = []
        for (place, lane) in asking.enumerated() {
            work[lane]!.forwardQueries += 1
            let work = work[lane]!
            let logits = UnsafePointer(logits.pointer + place * classes)
            let hasFallen = CrossEntropy.prediction(logits, classes: classes) != work.label
            if hasFallen || work.freePixels == 0 {
                var claim = AttackClaim()
                claim.succeeded = hasFallen
                claim.variant = .none
                untouched.append((lane, claim))
            } else {
                let image = LaneImage(
                    image: UnsafePointer(images.pointer + lane * shape.count),
                    free: UnsafePointer(free.pointer + lane * shape.count), freePixels: work.freePixels,
                    start: work.hasStart ? UnsafePointer(starts.pointer + lane * shape.count) : nil, shape: shape,
                    label: work.label, index: work.index, seed: seed)
                lanes[lane].begin(image, logits: logits)
            }
        }
        // Afterwards, as `finish` may use the model and is free to take its time.
        for (lane, claim) in untouched {
            try end(lane, claim, adversarial: UnsafePointer(images.pointer + lane * shape.count), finish)
        }
    }

    private func end(
        _ lane: Int, _ claim: AttackClaim, adversarial: UnsafePointer<Float>, _ finish: (FinishedImage) throws -> Void
    ) throws {
        let work = work[lane]!
        self.work[lane] = nil
        var claim = claim
        claim.forwardQueries = work.forwardQueries
        claim.gradientQueries = work.gradientQueries
        try finish(
            FinishedImage(
                position: work.position, index: work.index, label: work.label,
                image: UnsafePointer(images.pointer + lane * shape.count),
                mask: UnsafePointer(masks.pointer + lane * shape.pixels), adversarial: adversarial, claim: claim))
    }

    /// Fills `asking` and `points` with the lanes that have this question.
    private func gather(_ question: LaneQuestion) -> Bool {
        asking.removeAll(keepingCapacity: true)
        for lane in lanes.indices where work[lane] != nil && lanes[lane].question == question {
            (points.pointer + asking.count * shape.count).update(from: lanes[lane].point, count: shape.count)
            asking.append(lane)
        }
        return !asking.isEmpty
    }

    private func askForLogits(_ model: some DifferentiableClassifier) throws {
        guard gather(.logits) else { return }
        model.logits(of: UnsafePointer(points.pointer), batch: asking.count, into: logits.pointer)
        try requireFinite(logits, count: classes, "logits", "are")
        for (place, lane) in asking.enumerated() {
            work[lane]!.forwardQueries += 1
            lanes[lane].take(UnsafePointer(logits.pointer + place * classes), gradient: nil)
        }
    }

    private func askForGradients(_ model: some DifferentiableClassifier) throws {
        guard gather(.gradient) else { return }
        model.inputGradient(of: UnsafePointer(points.pointer), batch: asking.count, into: gradients.pointer) {
            found, derivative in
            logits.pointer.update(from: found, count: asking.count * classes)
            for (place, lane) in asking.enumerated() {
                lanes[lane].differentiate(found + place * classes, into: derivative + place * classes)
            }
        }
        // Both are looked at: a backward pass can lose what is not a number where an activation gates it.
        try requireFinite(logits, count: classes, "logits", "are")
        try requireFinite(gradients, count: shape.count, "input gradient", "is")
        for (place, lane) in asking.enumerated() {
            work[lane]!.gradientQueries += 1
            lanes[lane].take(
                UnsafePointer(logits.pointer + place * classes), gradient: gradients.pointer + place * shape.count)
        }
    }

    private func requireFinite(_ values: FloatBuffer, count: Int, _ what: String, _ verb: String) throws {
        guard let place = Elementwise.firstNonFinite(UnsafePointer(values.pointer), count: asking.count * count) else { return }
        throw Failure(
            .internalError, "\(name): the \(what) of image \(work[asking[place / count]]!.index) \(verb) not finite",
            remedy: "the weights are not those of a sound model: check the training run they come from")
    }
}
