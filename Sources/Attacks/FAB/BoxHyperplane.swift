/// Projection of a point of the box [0, 1]ⁿ onto a hyperplane inside the box, in L∞ or L2 (Croce and Hein, ICML 2020, "FAB",
/// section 2).
package enum BoxHyperplane {
    /// The displacement d of least norm with ⟨w, v + d⟩ = b and v + d in the box; where the plane misses the box, the one that
    /// comes nearest, with every value of non-zero w at its bound.
    ///
    /// In L∞ d(i) = ∓min(λ, room(i)), in L2 d(i) = ∓|w(i)|·min(λ, room(i)/|w(i)|), and λ is where the concave, piecewise linear
    /// sum of w(i)·d(i) meets the residual. Newton's method from the left finds it exactly in a few passes over the values.
    ///
    /// - Parameters:
    ///   - point: v, in [0, 1]; `normal`: w.
    ///   - residual: ⟨w, v⟩ − b.
    ///   - weights, rooms: scratch of `count` values.
    ///   - displacement: d, `count` values; 0 where w is 0 (in L2, below 10⁻⁸).
    package static func project(
        _ norm: Norm, _ point: UnsafePointer<Float>, normal: UnsafePointer<Float>, residual: Double, count: Int,
        weights: UnsafeMutablePointer<Float>, rooms: UnsafeMutablePointer<Float>, displacement: UnsafeMutablePointer<Float>
    ) {
        let isDown = residual >= 0
        // Oriented so that ⟨w, v⟩ is to fall by `needed`.
        for i in 0..<count {
            let w = isDown ? normal[i] : -normal[i]
            let size = w < 0 ? -w : w
            let room = w > 0 ? point[i] : 1 - point[i]
            switch norm {
            case .linf:
                weights[i] = size
                rooms[i] = size > 0 ? room : 0
            case .l2:
                let counts = size >= 1e-8
                weights[i] = counts ? w * w : 0
                rooms[i] = counts ? room / size : 0
            }
        }
        let lambda = multiplier(meeting: abs(residual), weights: weights, rooms: rooms, count: count)
        for i in 0..<count {
            let w = isDown ? normal[i] : -normal[i]
            let length = min(rooms[i], lambda)
            switch norm {
            case .linf: displacement[i] = w > 0 ? -length : w < 0 ? length : 0
            case .l2: displacement[i] = -w * length
            }
        }
    }

    /// λ with Σ weight · min(λ, room) = `needed`; infinite if all rooms together are too small.
    static func multiplier(
        meeting needed: Double, weights: UnsafePointer<Float>, rooms: UnsafePointer<Float>, count: Int
    ) -> Float {
        var lambda: Float = 0
        var slopeBefore = Double.infinity
        // A step either leaves values behind for good or is the last, so that this ends.
        while true {
            let (sum, slope) = sumAndSlope(lambda, weights, rooms, count)
            guard slope > 0 else { return sum < needed ? .infinity : lambda }
            guard slope < slopeBefore else { return lambda }
            let next = Float(Double(lambda) + (needed - sum) / slope)
            guard next > lambda else { return lambda }
            (lambda, slopeBefore) = (next, slope)
        }
    }

    /// Σ weight · min(λ, room), and the sum of the weights whose rooms are larger than λ.
    private static func sumAndSlope(
        _ lambda: Float, _ weights: UnsafePointer<Float>, _ rooms: UnsafePointer<Float>, _ count: Int
    ) -> (sum: Double, slope: Double) {
        typealias Singles = SIMD8<Float>
        func load(_ pointer: UnsafePointer<Float>) -> Singles {
            UnsafeRawPointer(pointer).loadUnaligned(as: Singles.self)
        }
        var (sums, slopes) = (SIMD8<Double>(), SIMD8<Double>())
        var i = 0
        while i + 8 <= count {
            let (weight, room) = (load(weights + i), load(rooms + i))
            let isFree = room .> lambda
            sums += SIMD8<Double>(weight) * SIMD8<Double>(room.replacing(with: lambda, where: isFree))
            slopes += SIMD8<Double>(Singles().replacing(with: weight, where: isFree))
            i += 8
        }
        var (sum, slope) = (sums.sum(), slopes.sum())
        while i < count {
            sum += Double(weights[i]) * Double(min(rooms[i], lambda))
            if rooms[i] > lambda { slope += Double(weights[i]) }
            i += 1
        }
        return (sum, slope)
    }
}
