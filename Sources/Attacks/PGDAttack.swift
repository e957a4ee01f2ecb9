import Diagnostics
import Kernels
import NeuralNet

/// The ascent loop of training as an attack among others: FGSM, PGD and their kin, with restarts.
///
/// Restart r of image i starts where `ProjectedGradientAscent` starts it in epoch r. Soft masks and a second radius work.
package struct PGDAttack: Attack, Hashable {
    package var name: String
    package var settings: AttackSettings
    /// Random starts; only images that still stand are attacked again.
    package var restarts: Int

    package init(name: String = "pgd", _ settings: AttackSettings, restarts: Int = 1) {
        self.name = name
        self.settings = settings
        self.restarts = restarts
    }

    package var threat: ThreatModel { settings.threat }

    package func description(classes: Int) -> AttackDescription {
        AttackDescription(
            name: name, threat: threat,
            settings: [
                "steps": "\(settings.steps)", "stepSize": "\(settings.stepSize)", "randomStart": "\(settings.randomStart)",
                "restarts": "\(restarts)", "targeted": "\(settings.targeted)", "maskTime": settings.maskTime.rawValue,
                "loss": "cross-entropy",
            ])
    }

    package func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner {
        guard restarts >= 1, capacity >= 1 else {
            throw Failure.usage("\(name): \(restarts) restarts and a capacity of \(capacity), expected at least 1")
        }
        guard !settings.targeted else { throw Failure.usage("\(name): a targeted attack is no evaluation of accuracy") }
        return PGDRunner(self, imageShape: imageShape, classes: classes, capacity: capacity)
    }
}

/// Runs `PGDAttack` in groups of the capacity.
private final class PGDRunner: AttackRunner {
    private let attack: PGDAttack
    private let shape: ImageShape
    private let classes: Int
    private let ascent: ProjectedGradientAscent
    private let images: FloatBuffer
    private let masks: FloatBuffer
    private let adversarial: FloatBuffer
    /// The strongest of each image of the group.
    private let strongest: FloatBuffer
    private let logits: FloatBuffer
    private var group: [Item] = []

    private struct Item {
        var position: Int
        var index: Int
        var label: Int
        var loss = -Float.infinity
        var claim = AttackClaim()
    }

    init(_ attack: PGDAttack, imageShape shape: ImageShape, classes: Int, capacity: Int) {
        self.attack = attack
        self.shape = shape
        self.classes = classes
        ascent = ProjectedGradientAscent(attack.settings, imageShape: shape, classes: classes, capacity: capacity)
        images = FloatBuffer(count: capacity * shape.count)
        masks = FloatBuffer(count: capacity * shape.pixels)
        adversarial = FloatBuffer(count: capacity * shape.count)
        strongest = FloatBuffer(count: capacity * shape.count)
        logits = FloatBuffer(count: capacity * classes)
    }

    func run(
        model: some DifferentiableClassifier, on source: some AttackImages, seed: UInt64,
        finish: (FinishedImage) throws -> Void
    ) throws {
        let width = min(ascent.capacity, model.capacity)
        var next = 0
        while true {
            let end = min(next + width, source.count)
            guard next < end else { return }
            try load(next..<end, of: source)
            next = end
            model.logits(of: UnsafePointer(images.pointer), batch: group.count, into: logits.pointer)
            for i in group.indices {
                group[i].claim.forwardQueries += 1
                let logits = UnsafePointer(logits.pointer + i * classes)
                guard CrossEntropy.prediction(logits, classes: classes) != group[i].label else { continue }
                group[i].claim.succeeded = true
                group[i].claim.variant = .none
            }
            for restart in 0..<attack.restarts where group.contains(where: { !$0.claim.succeeded }) {
                try attackStanding(model, seed: seed, restart: restart)
            }
            for (i, item) in group.enumerated() {
                try finish(
                    FinishedImage(
                        position: item.position, index: item.index, label: item.label,
                        image: UnsafePointer(images.pointer + i * shape.count),
                        mask: UnsafePointer(masks.pointer + i * shape.pixels),
                        adversarial: UnsafePointer(strongest.pointer + i * shape.count), claim: item.claim))
            }
        }
    }

    private func load(_ positions: Range<Int>, of source: some AttackImages) throws {
        group.removeAll(keepingCapacity: true)
        masks.fill(1)
        for (i, position) in positions.enumerated() {
            let (label, index) = try source.load(
                position, image: images.pointer + i * shape.count, mask: masks.pointer + i * shape.pixels)
            guard (0..<classes).contains(label) else {
                throw Failure.badData("image \(index) has label \(label), and the model \(classes) classes")
            }
            group.append(Item(position: position, index: index, label: label))
        }
        strongest.pointer.update(from: images.pointer, count: group.count * shape.count)
    }

    /// One restart. Images that have fallen lie behind those that stand, so that only the latter are attacked.
    private func attackStanding(_ model: some DifferentiableClassifier, seed: UInt64, restart: Int) throws {
        moveStandingToFront()
        let standing = group.count { !$0.claim.succeeded }
        let labels = group[..<standing].map { Int32($0.label) }
        let indices = group[..<standing].map(\.index)
        try ascent.run(
            model: model, images: images.pointer, labels: labels, mask: UnsafePointer(masks.pointer), count: standing, seed: seed,
            epoch: restart, sampleIndices: indices, adversarial: adversarial.pointer)
        model.logits(of: UnsafePointer(adversarial.pointer), batch: standing, into: logits.pointer)
        for i in 0..<standing {
            let logits = UnsafePointer(logits.pointer + i * classes)
            let loss = LogitLoss.crossEntropy.evaluate(logits, classes: classes, label: group[i].label, derivative: nil)
            group[i].claim.gradientQueries += attack.settings.steps
            group[i].claim.forwardQueries += 1
            group[i].claim.iterations += attack.settings.steps
            if restart == 0 { group[i].claim.hasZeroGradient = ascent.hadZeroGradient(i) }
            group[i].claim.succeeded = CrossEntropy.prediction(logits, classes: classes) != group[i].label
            if group[i].claim.succeeded || loss > group[i].loss {
                group[i].loss = loss
                (strongest.pointer + i * shape.count).update(from: adversarial.pointer + i * shape.count, count: shape.count)
            }
        }
    }

    private func moveStandingToFront() {
        var front = 0
        for i in group.indices where !group[i].claim.succeeded {
            if i != front {
                group.swapAt(i, front)
                swap(images, i, front, shape.count)
                swap(strongest, i, front, shape.count)
                swap(masks, i, front, shape.pixels)
            }
            front += 1
        }
    }

    private func swap(_ buffer: FloatBuffer, _ a: Int, _ b: Int, _ count: Int) {
        for i in 0..<count {
            let value = buffer[a * count + i]
            buffer[a * count + i] = buffer[b * count + i]
            buffer[b * count + i] = value
        }
    }
}
