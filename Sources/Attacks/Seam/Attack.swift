import Kernels
import NeuralNet

/// Something that looks for misclassified images inside a masked ball: settings only, to be compared, stored and shown.
///
/// What works is the runner it makes. Every draw follows from (seed, attack, restart or target, image), so that what
/// happens to an image does not depend on the images beside it, their order, the capacity or the rank, bit for bit.
package protocol Attack: Sendable {
    /// As results and command lines call it, such as `apgd-ce`.
    var name: String { get }

    /// The ball; its `epsilonSalient` must be 0 for all attacks but PGD.
    var threat: ThreatModel { get }

    /// All settings, and what is not as published, for a model of `classes` classes.
    func description(classes: Int) -> AttackDescription

    /// The memory of one thread for this attack.
    ///
    /// - Parameter capacity: the most images worked on at a time; memory grows with it and with the image, not with the
    ///   number of images attacked.
    /// - Throws: `Failure.usage` if a setting is outside its range.
    func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner
}

/// An attack at work, for one thread.
package protocol AttackRunner: AnyObject {
    /// Attacks images of any number, `capacity` at a time.
    ///
    /// - Parameter finish: called once for each image, in no particular order, with what the attack says of it, to be
    ///   verified by whoever counts it (`AttackDriver` does). The model may be used in it.
    /// - Throws: `Failure` if logits or gradients are not finite, a label is no class of the model, or a mask has other values
    ///   than the attack takes; and what loading and finishing throw.
    func run(
        model: some DifferentiableClassifier, on images: some AttackImages, seed: UInt64,
        finish: (FinishedImage) throws -> Void
    ) throws
}

/// Images that an attack asks for one by one: in memory, or read from elsewhere when they are wanted.
package protocol AttackImages {
    /// May grow while an attack runs, which asks again whenever it has room.
    var count: Int { get }

    /// Writes image `position`.
    ///
    /// - Parameters:
    ///   - image: [height, width, channels], to be filled with values in [0, 1].
    ///   - mask: [height, width], all ones; to be filled with 0 where a pixel may not change.
    /// - Returns: the true class, and the image's index in its data set: its draws follow from that, and messages name it.
    func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) throws -> (label: Int, index: Int)

    /// A point to begin the first run at instead of the attack's own, such as the image that fooled an earlier model.
    ///
    /// It is projected onto the ball. PGD draws its own starts all the same.
    ///
    /// - Parameter point: [height, width, channels].
    /// - Returns: false if there is none.
    func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool
}

extension AttackImages {
    package func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool { false }
}

/// An image with which an attack is done. The pointers are good until `finish` returns.
package struct FinishedImage {
    /// Its place among the images attacked, and its index in the data set.
    package let position: Int
    package let index: Int
    package let label: Int
    /// [height, width, channels].
    package let image: UnsafePointer<Float>
    /// [height, width].
    package let mask: UnsafePointer<Float>
    /// The misclassified image if the attack succeeded, else the strongest it found inside the ball.
    package let adversarial: UnsafePointer<Float>
    package let claim: AttackClaim

    package init(
        position: Int, index: Int, label: Int, image: UnsafePointer<Float>, mask: UnsafePointer<Float>,
        adversarial: UnsafePointer<Float>, claim: AttackClaim
    ) {
        self.position = position
        self.index = index
        self.label = label
        self.image = image
        self.mask = mask
        self.adversarial = adversarial
        self.claim = claim
    }
}

/// Images in memory that the caller keeps.
package struct ImagesInMemory: AttackImages {
    package let count: Int
    private let shape: ImageShape
    private let images: UnsafePointer<Float>
    private let labels: UnsafePointer<Int32>
    private let mask: UnsafePointer<Float>?
    private let indices: UnsafePointer<Int>
    private let starts: UnsafePointer<Float>?

    /// - Parameters:
    ///   - images: [count, height, width, channels]; `mask`: [count, height, width], nil for all ones.
    ///   - indices: each image's index in its data set.
    ///   - starts: [count, height, width, channels], points to begin at; nil for the attacks' own.
    package init(
        _ shape: ImageShape, count: Int, images: UnsafePointer<Float>, labels: UnsafePointer<Int32>,
        mask: UnsafePointer<Float>?, indices: UnsafePointer<Int>, starts: UnsafePointer<Float>? = nil
    ) {
        self.shape = shape
        self.count = count
        self.images = images
        self.labels = labels
        self.mask = mask
        self.indices = indices
        self.starts = starts
    }

    package func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) -> (label: Int, index: Int) {
        image.update(from: images + position * shape.count, count: shape.count)
        if let source = self.mask { mask.update(from: source + position * shape.pixels, count: shape.pixels) }
        return (Int(labels[position]), indices[position])
    }

    package func start(_ position: Int, into point: UnsafeMutablePointer<Float>) -> Bool {
        guard let starts else { return false }
        point.update(from: starts + position * shape.count, count: shape.count)
        return true
    }
}

/// Some of the images of another.
package struct SelectedImages<Base: AttackImages>: AttackImages {
    private let base: Base
    private let positions: [Int]

    package init(_ base: Base, positions: [Int]) {
        self.base = base
        self.positions = positions
    }

    package var count: Int { positions.count }

    package func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) throws -> (label: Int, index: Int) {
        try base.load(positions[position], image: image, mask: mask)
    }

    package func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool {
        try base.start(positions[position], into: point)
    }
}
