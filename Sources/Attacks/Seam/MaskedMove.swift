import Kernels

/// Moves on one image inside a ball with a mask of zeros and ones: a random start, and APGD's step with momentum.
///
/// Values that may not change keep the image's bits. Each costs a few passes over the image and allocates nothing.
struct MaskedMove {
    let threat: ThreatModel
    /// [height, width, channels], as all others.
    let image: UnsafePointer<Float>
    /// 1 where a value may change, 0 where not.
    let free: UnsafePointer<Float>
    let count: Int

    private var norm: Norm { threat.norm }
    private var epsilon: Float { threat.epsilon }

    /// The nearest point of the ball (L2: on the ray from the image), then clipped to [0, 1].
    func project(_ point: UnsafeMutablePointer<Float>) {
        Self.mask(point, by: free, else: image, count: count)
        switch norm {
        case .linf:
            for i in 0..<count { point[i] = min(max(min(max(point[i], image[i] - epsilon), image[i] + epsilon), 0), 1) }
        case .l2:
            let size = Float(ImageSums.distance(point, image, count: count))
            let shrink = size > epsilon ? epsilon / size : 1
            for i in 0..<count { point[i] = min(max(shrink < 1 ? image[i] + (point[i] - image[i]) * shrink : point[i], 0), 1) }
        }
        Self.mask(point, by: free, else: image, count: count)
    }

    /// A random point on the ball's surface (L∞: at least one value is), then clipped to [0, 1].
    func start(_ random: Philox, into point: UnsafeMutablePointer<Float>) {
        switch norm {
        case .linf: random.fillUniform(point, count: count, low: -1, high: 1)
        case .l2: random.fillNormal(point, count: count, standardDeviation: 1)
        }
        Self.mask(point, by: free, count: count)
        let size = norm == .linf ? ImageSums.largestMagnitude(point, count: count) : Float(ImageSums.length(point, count: count))
        let (scale, epsilon) = (size + 1e-12, epsilon)
        for i in 0..<count {
            let moved = min(max(image[i] + epsilon * (point[i] / scale), 0), 1)
            point[i] = free[i] > 0 ? moved : image[i]
        }
    }

    /// One step of size `step` along `gradient`, mixed with the last move.
    ///
    /// - Parameters:
    ///   - gradient: masked already; overwritten.
    ///   - a: the share of the new step; the rest is the last move.
    ///   - point: where the walk is; moves.
    ///   - previous: where it was before; becomes where it is.
    func step(
        _ step: Float, along gradient: UnsafeMutablePointer<Float>, share a: Float, point: UnsafeMutablePointer<Float>,
        previous: UnsafeMutablePointer<Float>
    ) {
        switch norm {
        case .linf: stepLinf(step, gradient, a, point, previous)
        case .l2: stepL2(step, gradient, a, point, previous)
        }
    }

    private func stepLinf(
        _ step: Float, _ gradient: UnsafePointer<Float>, _ a: Float, _ point: UnsafeMutablePointer<Float>,
        _ previous: UnsafeMutablePointer<Float>
    ) {
        let (rest, epsilon, image, free) = (1 - a, epsilon, image, free)
        // Without branches or calls, so that the compiler makes vectors of it.
        for i in 0..<count {
            let (g, x, p) = (gradient[i], image[i], point[i])
            let (low, high) = (x - epsilon, x + epsilon)
            let momentum = p - previous[i]
            let moved = p + (g > 0 ? step : g < 0 ? -step : 0)
            let z = min(max(min(max(moved, low), high), 0), 1)
            let mixed = p + (z - p) * a + momentum * rest
            let projected = min(max(min(max(mixed, low), high), 0), 1)
            previous[i] = p
            point[i] = free[i] > 0 ? projected : x
        }
    }

    private func stepL2(
        _ step: Float, _ gradient: UnsafeMutablePointer<Float>, _ a: Float, _ point: UnsafeMutablePointer<Float>,
        _ previous: UnsafeMutablePointer<Float>
    ) {
        let (rest, image, free) = (1 - a, image, free)
        let steepness = Float(ImageSums.length(gradient, count: count)) + 1e-12
        let moved = gradient
        for i in 0..<count { moved[i] = point[i] + step * (gradient[i] / steepness) }
        let first = shrinking(ImageSums.distance(moved, image, count: count))
        for i in 0..<count {
            let (p, x) = (point[i], image[i])
            let z = min(max(x + (moved[i] - x) * first, 0), 1)
            point[i] = p + (z - p) * a + (p - previous[i]) * rest
            previous[i] = p
        }
        let second = shrinking(ImageSums.distance(point, image, count: count))
        for i in 0..<count {
            let projected = min(max(image[i] + (point[i] - image[i]) * second, 0), 1)
            point[i] = free[i] > 0 ? projected : image[i]
        }
    }

    /// What a perturbation of this size is multiplied by. The 10⁻¹² also acts inside the ball, as in the authors' code.
    private func shrinking(_ size: Double) -> Float {
        min(epsilon, Float(size)) / (Float(size) + 1e-12)
    }

    /// Multiplies by the mask.
    static func mask(_ values: UnsafeMutablePointer<Float>, by free: UnsafePointer<Float>, count: Int) {
        for i in 0..<count { values[i] *= free[i] }
    }

    /// Puts the image's values where none may change.
    static func mask(
        _ values: UnsafeMutablePointer<Float>, by free: UnsafePointer<Float>, else image: UnsafePointer<Float>, count: Int
    ) {
        for i in 0..<count { values[i] = free[i] > 0 ? values[i] : image[i] }
    }
}
