import Kernels

/// FAB on one image.
///
/// An iteration asks for the difference of two logits and its gradient at the current point, walks to the linearised
/// boundary, and asks for the logits there.
final class FABLane: AttackLane {
    private let settings: FAB
    private let shape: ImageShape
    private let classes: Int
    private let scratch: FABScratch
    private let current: FloatBuffer
    /// Normal of the hyperplane: the gradient of the logit difference of the nearest class.
    private let normal: FloatBuffer
    private let nearest: FloatBuffer

    private var image: LaneImage!
    private var ranking: [Int] = []
    private var run = 0
    private var iteration = 0
    /// The class whose difference to the label is being differentiated; all in turn if untargeted.
    private var other = 0
    /// The difference and the linearised distance of the nearest class so far, in this iteration.
    private var difference: Float = 0
    private var reach = Float.infinity
    private var nearestDistance = Float.infinity
    private(set) var question = LaneQuestion.none
    private(set) var claim = AttackClaim()

    init(_ settings: FAB, shape: ImageShape, classes: Int, scratch: FABScratch) {
        self.settings = settings
        self.shape = shape
        self.classes = classes
        self.scratch = scratch
        current = FloatBuffer(count: shape.count)
        normal = FloatBuffer(count: shape.count)
        nearest = FloatBuffer(count: shape.count)
    }

    var point: UnsafePointer<Float> { UnsafePointer(current.pointer) }
    var result: UnsafePointer<Float> { claim.succeeded ? UnsafePointer(nearest.pointer) : image.image }

    private var targets: Int { settings.isTargeted ? min(settings.targets, classes - 1) : 1 }

    func begin(_ image: LaneImage, logits: UnsafePointer<Float>) {
        self.image = image
        claim = AttackClaim()
        nearestDistance = .infinity
        if settings.isTargeted { ranking = LogitRanking.top(targets + 1, of: logits, classes: classes) }
        run = 0
        beginRun()
    }

    private func beginRun() {
        let restart = run % settings.restarts
        if restart == 0 {
            current.pointer.update(from: run == 0 ? image.start ?? image.image : image.image, count: shape.count)
        } else {
            startAtRandom(restart)
        }
        iteration = 0
        linearise()
    }

    /// A random point at half the radius.
    private func startAtRandom(_ restart: Int) {
        let (threat, count, point, free, x) = (settings.threat, shape.count, current.pointer, image.free, image.image)
        let stream = settings.isTargeted ? AttackStream.fabTargeted : .fab
        let random = stream.philox(
            seed: image.seed, target: settings.isTargeted ? run / settings.restarts + 1 : 0, restart: restart, image: image.index)
        switch threat.norm {
        case .linf: random.fillUniform(point, count: count, low: -1, high: 1)
        case .l2: random.fillNormal(point, count: count, standardDeviation: 1)
        }
        MaskedMove.mask(point, by: free, count: count)
        let size = threat.norm == .linf ? ImageSums.largestMagnitude(point, count: count) : Float(ImageSums.length(point, count: count))
        let scale = size > 0 ? 0.5 * threat.epsilon / size : 0
        for i in 0..<count {
            let moved = min(max(x[i] + point[i] * scale, 0), 1)
            point[i] = free[i] > 0 ? moved : x[i]
        }
    }

    /// Begins an iteration: asks for the gradient of the first, or only, difference.
    private func linearise() {
        reach = .infinity
        other = settings.isTargeted ? ranking[run / settings.restarts + 1] : (image.label == 0 ? 1 : 0)
        question = .gradient
    }

    func differentiate(_ logits: UnsafePointer<Float>, into derivative: UnsafeMutablePointer<Float>) {
        derivative.update(repeating: 0, count: classes)
        derivative[other] = 1
        derivative[image.label] = -1
    }

    func take(_ logits: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?) {
        if let gradient { takeGradient(logits, gradient) } else { takeLogits(logits) }
    }

    private func takeGradient(_ logits: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>) {
        MaskedMove.mask(gradient, by: image.free, count: shape.count)
        if run % settings.restarts == 0, iteration == 0, ImageSums.largestMagnitude(gradient, count: shape.count) == 0 {
            claim.hasZeroGradient = true
        }
        let f = logits[other] - logits[image.label]
        if settings.isTargeted {
            difference = f
            normal.pointer.update(from: gradient, count: shape.count)
        } else {
            let dual =
                settings.threat.norm == .linf
                ? ImageSums.sumOfMagnitudes(gradient, count: shape.count) : ImageSums.length(gradient, count: shape.count)
            let distance = abs(f) / (1e-12 + Float(dual))
            if distance < reach {
                (difference, reach) = (f, distance)
                normal.pointer.update(from: gradient, count: shape.count)
            }
            other += other + 1 == image.label ? 2 : 1
            if other < classes { return }
        }
        step()
        question = .logits
    }

    /// From the current point and the image towards the hyperplane, and a little beyond.
    private func step() {
        let (norm, count, x1, x0) = (settings.threat.norm, shape.count, current.pointer, image.image)
        let (d1, d2) = (scratch.fromPoint.pointer, scratch.fromImage.pointer)
        // At the point itself the linearised difference is the difference; at the image it follows from the gradient.
        let residual = Double(difference)
        let atImage = residual - ImageSums.product(normal.pointer, with: x1, minus: x0, count: count)
        for (start, residual, displacement) in [(UnsafePointer(x1), residual, d1), (x0, atImage, d2)] {
            BoxHyperplane.project(
                norm, start, normal: normal.pointer, residual: residual, count: count, weights: scratch.weights.pointer,
                rooms: scratch.rooms.pointer, displacement: displacement)
        }
        func size(_ d: UnsafePointer<Float>) -> Float {
            max(norm == .linf ? ImageSums.largestMagnitude(d, count: count) : Float(ImageSums.length(d, count: count)), 1e-8)
        }
        let (a1, a2) = (size(d1), size(d2))
        let alpha = min(max(a1 / (a1 + a2), 0), settings.alphaMax)
        let (rest, overshoot, free) = (1 - alpha, settings.overshoot, image.free)
        for i in 0..<count {
            let mixed = (x1[i] + overshoot * d1[i]) * rest + (x0[i] + d2[i] * overshoot) * alpha
            let clipped = min(max(mixed, 0), 1)
            x1[i] = free[i] > 0 ? clipped : x0[i]
        }
    }

    private func takeLogits(_ logits: UnsafePointer<Float>) {
        if CrossEntropy.prediction(logits, classes: classes) != image.label {
            let distance = settings.threat.norm.distance(current.pointer, image.image, count: shape.count)
            if distance < nearestDistance {
                nearestDistance = distance
                claim.boundaryDistance = distance
                nearest.copy(from: current)
                if distance <= settings.threat.epsilon {
                    claim.succeeded = true
                    claim.target = settings.isTargeted ? other : nil
                }
            }
            let (x1, x0, free, share) = (current.pointer, image.image, image.free, settings.backwardStep)
            for i in 0..<shape.count {
                let moved = x0[i] + (x1[i] - x0[i]) * share
                x1[i] = free[i] > 0 ? moved : x0[i]
            }
        }
        iteration += 1
        claim.iterations += 1
        if claim.succeeded && settings.stopsAtSuccess {
            question = .none
        } else if iteration < settings.iterations {
            linearise()
        } else {
            run += 1
            if run == targets * settings.restarts { question = .none } else { beginRun() }
        }
    }
}
