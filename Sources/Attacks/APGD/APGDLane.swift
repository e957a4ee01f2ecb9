import Kernels

/// APGD on one image: for each target and restart a start and `iterations` steps, until the image falls.
final class APGDLane: AttackLane {
    private let settings: APGD
    private let shape: ImageShape
    private let classes: Int
    private let current: FloatBuffer
    private let previous: FloatBuffer
    private let gradient: FloatBuffer
    private let best: FloatBuffer
    private let bestGradient: FloatBuffer
    /// The last misclassified point; while the image stands, the best point of the run that came nearest.
    private let strongest: FloatBuffer

    private var image: LaneImage!
    private var move: MaskedMove!
    private var loss: LogitLoss!
    private var control: StepSizeControl!
    /// Classes by their logits on the image.
    private var ranking: [Int] = []
    private var run = 0
    private var iteration = 0
    /// Gradient passes made at the current point.
    private var passes = 0
    private var isAtStart = true
    private var stepSize: Float = 0
    private var bestLoss: Float = 0
    private var bestMargin: Float = 0
    private var smallestMargin: Float = 0
    private(set) var question = LaneQuestion.none
    private(set) var claim = AttackClaim()

    init(_ settings: APGD, shape: ImageShape, classes: Int) {
        self.settings = settings
        self.shape = shape
        self.classes = classes
        func buffer() -> FloatBuffer { FloatBuffer(count: shape.count) }
        (current, previous, gradient) = (buffer(), buffer(), buffer())
        (best, bestGradient, strongest) = (buffer(), buffer(), buffer())
    }

    var point: UnsafePointer<Float> { UnsafePointer(current.pointer) }
    var result: UnsafePointer<Float> { UnsafePointer(strongest.pointer) }

    private var targets: Int { settings.objective == .targeted ? min(settings.targets, classes - 1) : 1 }
    /// The class the present run aims at.
    private var target: Int? { settings.objective == .targeted ? ranking[run / settings.restarts + 1] : nil }

    func begin(_ image: LaneImage, logits: UnsafePointer<Float>) {
        self.image = image
        move = MaskedMove(threat: settings.threat, image: image.image, free: image.free, count: shape.count)
        claim = AttackClaim()
        if settings.objective == .targeted { ranking = LogitRanking.top(targets + 1, of: logits, classes: classes) }
        strongest.pointer.update(from: image.image, count: shape.count)
        smallestMargin = .infinity
        run = 0
        beginRun()
    }

    private func beginRun() {
        let targetRank = settings.objective == .targeted ? run / settings.restarts + 1 : 0
        let random = settings.stream.philox(
            seed: image.seed, target: targetRank, restart: run % settings.restarts, image: image.index)
        if run == 0, let start = image.start {
            current.pointer.update(from: start, count: shape.count)
        } else {
            move.start(random, into: current.pointer)
        }
        loss = settings.loss(classes: classes, label: image.label, target: target)
        stepSize = 2 * settings.threat.epsilon
        iteration = 0
        passes = 0
        isAtStart = true
        question = .gradient
    }

    func differentiate(_ logits: UnsafePointer<Float>, into derivative: UnsafeMutablePointer<Float>) {
        _ = loss.evaluate(logits, classes: classes, label: image.label, derivative: derivative)
    }

    func take(_ logits: UnsafePointer<Float>, gradient found: UnsafeMutablePointer<Float>?) {
        guard average(found!) else { return }
        MaskedMove.mask(gradient.pointer, by: image.free, count: shape.count)
        let value = loss.evaluate(logits, classes: classes, label: image.label, derivative: nil)
        let margin = LogitRanking.margin(logits, classes: classes, label: image.label)
        if CrossEntropy.prediction(logits, classes: classes) != image.label {
            claim.succeeded = true
            claim.target = target
            strongest.copy(from: current)
            if settings.stopsAtSuccess {
                if !isAtStart { claim.iterations += 1 }
                question = .none
                return
            }
        }
        if isAtStart {
            isAtStart = false
            if ImageSums.largestMagnitude(gradient.pointer, count: shape.count) == 0 { claim.hasZeroGradient = true }
            control = StepSizeControl(iterations: settings.iterations, rho: settings.rho, startLoss: value)
            keepAsBest(value, margin)
            previous.copy(from: current)
        } else {
            if value > bestLoss { keepAsBest(value, margin) }
            iteration += 1
            claim.iterations += 1
            if control.record(value, best: bestLoss) {
                stepSize /= 2
                current.copy(from: best)
                gradient.copy(from: bestGradient)
            }
            guard iteration < settings.iterations else { return endRun() }
        }
        move.step(
            stepSize, along: gradient.pointer, share: iteration == 0 ? 1 : 0.75, point: current.pointer, previous: previous.pointer)
    }

    /// Collects the passes of which the gradient is the mean.
    ///
    /// - Returns: whether that was the last.
    private func average(_ found: UnsafeMutablePointer<Float>) -> Bool {
        if passes == 0 {
            gradient.pointer.update(from: found, count: shape.count)
        } else {
            for i in 0..<shape.count { gradient.pointer[i] += found[i] }
        }
        passes += 1
        guard passes == settings.gradientPasses else { return false }
        if passes > 1 { for i in 0..<shape.count { gradient.pointer[i] /= Float(passes) } }
        passes = 0
        return true
    }

    private func keepAsBest(_ loss: Float, _ margin: Float) {
        (bestLoss, bestMargin) = (loss, margin)
        best.copy(from: current)
        bestGradient.copy(from: gradient)
    }

    private func endRun() {
        if !claim.succeeded, bestMargin < smallestMargin {
            smallestMargin = bestMargin
            strongest.copy(from: best)
        }
        run += 1
        if claim.succeeded || run == targets * settings.restarts { question = .none } else { beginRun() }
    }
}
