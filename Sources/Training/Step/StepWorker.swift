import Attacks
import Datasets
import Diagnostics
import Kernels
import NeuralNet

/// What one thread of a rank needs to attack and to differentiate a micro-batch: activations and scratch of its own over
/// weights and prepared filters that all share.
final class StepWorker {
    private let settings: StepSettings
    /// The model as it stands frozen, in memory that it shares with the training pass: between steps for validation.
    let frozenPass: FrozenPass
    /// The same for attacks, which may round.
    private let attackPass: FrozenPass
    private let trainingPass: TrainingPass
    private let ascent: ProjectedGradientAscent?
    private let objective: any Objective
    /// The images' gradient of a micro-batch of free training; empty otherwise.
    private let imageGradient: FloatBuffer

    init(
        state: ModelState, filters: PreparedFilters, frozen: FrozenModel, attacked: FrozenModel, settings: StepSettings, microBatch: Int
    ) {
        self.settings = settings
        let network = state.network
        trainingPass = TrainingPass(state, filters: filters, capacity: microBatch)
        objective =
            switch settings.objective {
            case .crossEntropy: CrossEntropyObjective(smoothing: settings.labelSmoothing, capacity: microBatch)
            case .trades(let beta):
                PairObjective(TRADESLoss(beta: beta, smoothing: settings.labelSmoothing), network: network, capacity: microBatch)
            case .mart(let beta): PairObjective(MARTLoss(beta: beta), network: network, capacity: microBatch)
            }
        let isFree = settings.attack?.replays ?? 0 > 0
        precondition(!isFree || type(of: objective).givesImageGradient, "free training wants the images' gradient")
        imageGradient = FloatBuffer(count: isFree ? microBatch * network.input.count : 0)
        frozenPass = FrozenPass(frozen, capacity: min(microBatch, network.attackGroup), sharing: trainingPass)
        attackPass =
            attacked === frozen ? frozenPass : FrozenPass(attacked, capacity: frozenPass.capacity, sharing: trainingPass)
        ascent = settings.attack.flatMap {
            isFree
                ? nil
                : ProjectedGradientAscent(
                    $0.settings, loss: $0.loss, start: $0.start, imageShape: network.input, classes: network.classes, capacity: microBatch)
        }
    }

    /// Perturbs the samples `range` of `batch` inside the masked ball, and checks that they stayed in it.
    ///
    /// - Parameters:
    ///   - attackSettings: those of this step.
    ///   - zeroGradients: becomes the number of samples whose first gradient was zero everywhere.
    ///   - beat: called after every step of the attack.
    /// - Returns: whether the model was finite at all of them; where it was not, the images are left as they are.
    func attack(
        _ batch: Batch, _ range: Range<Int>, mask: UnsafePointer<Float>?, with attackSettings: AttackSettings,
        into adversarial: UnsafeMutablePointer<Float>, zeroGradients: inout Int, beat: () -> Void
    ) throws -> Bool {
        guard let ascent, let attack = settings.attack else { return true }
        ascent.settings = attackSettings
        let shape = trainingPass.imageShape
        let images = UnsafePointer(batch.images.pointer) + range.lowerBound * shape.count
        func run(_ model: some DifferentiableClassifier) throws {
            try ascent.run(
                model: model, images: images, labels: batch.labels + range.lowerBound, mask: mask, count: range.count,
                seed: settings.seed, epoch: batch.epoch, sampleIndices: batch.sampleIndices + range.lowerBound,
                adversarial: adversarial, beat: beat)
        }
        do {
            if attack.batchNorm == .training { try run(trainingPass) } else { try run(attackPass) }
        } catch  where ascent.foundNonFinite {
            // Not this rank's affair alone: the step goes on to where all ranks learn of it together.
            adversarial.update(from: images, count: range.count * shape.count)
            return false
        }
        zeroGradients = ascent.zeroGradients
        try Admissibility.check(
            images, adversarial, mask: mask, threat: attackSettings.threat, shape: shape, count: range.count)
        return true
    }

    /// Gradients of one micro-batch, handed to the reducer bucket by bucket while the backward pass goes on.
    ///
    /// - Parameters:
    ///   - outcome: what is known of the micro-batch, completed here; if it was not sound so far, its loss is not a number.
    ///   - free: whose places `range` take a step along the images' gradient; nil without free training.
    ///   - progress: called after every layer, to move messages along.
    ///   - index: the micro-batch's number in the global batch.
    func update(
        _ microBatch: MicroBatch, index: Int, reducer: GradientReducer, outcome: inout MicroBatchOutcome,
        free: (perturbation: FreePerturbation, images: UnsafePointer<Float>, range: Range<Int>, size: Float)? = nil, progress: () throws -> Void
    ) throws {
        var microBatch = microBatch
        if free != nil { microBatch.imageGradient = imageGradient.pointer }
        let arena = reducer.arena(forMicroBatch: index)
        let buckets = reducer.ranges
        let loss = trainingPass.layout.lossOffset
        var next = 0
        var isForwardDone = false
        let start = monotonicSeconds()
        try objective.differentiate(microBatch, pass: trainingPass, step: arena.pointer) { offset in
            // The first call comes before the backward pass; once a bucket is handed over, its memory may hold sums.
            if !isForwardDone {
                isForwardDone = true
                if !outcome.isFinite { arena[loss] = .nan }
                outcome.isFinite = arena[loss].isFinite
                outcome.forward = monotonicSeconds() - start
            }
            while next < buckets.count, buckets[next].lowerBound >= offset {
                reducer.completed(microBatch: index, bucket: next)
                next += 1
            }
            try progress()
        }
        if let free { free.perturbation.ascend(imageGradient.pointer, images: free.images, free.range, size: free.size) }
        outcome.backward = monotonicSeconds() - start - outcome.forward
    }
}
