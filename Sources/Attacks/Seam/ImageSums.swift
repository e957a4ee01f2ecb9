/// Sums and maxima over the values of an image, in vectors; sums in float64, because the square of a small gradient is no
/// float32 number.
enum ImageSums {
    private typealias Singles = SIMD8<Float>
    private typealias Doubles = SIMD8<Double>

    @inline(__always)
    private static func load(_ pointer: UnsafePointer<Float>) -> Singles {
        UnsafeRawPointer(pointer).loadUnaligned(as: Singles.self)
    }

    @inline(__always)
    private static func sum(_ count: Int, _ vector: (Int) -> Singles, _ value: (Int) -> Float) -> Double {
        var (a, b) = (Doubles(), Doubles())
        var i = 0
        while i + 16 <= count {
            let (u, v) = (Doubles(vector(i)), Doubles(vector(i + 8)))
            a += u * u
            b += v * v
            i += 16
        }
        var sum = (a + b).sum()
        while i < count {
            let v = Double(value(i))
            sum += v * v
            i += 1
        }
        return sum
    }

    /// Euclidean length.
    static func length(_ values: UnsafePointer<Float>, count: Int) -> Double {
        sum(count) {
            load(values + $0)
        } _: {
            values[$0]
        }.squareRoot()
    }

    /// Euclidean length of a − b.
    static func distance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Double {
        sum(count) {
            load(a + $0) - load(b + $0)
        } _: {
            a[$0] - b[$0]
        }.squareRoot()
    }

    /// ⟨w, a − b⟩.
    static func product(
        _ w: UnsafePointer<Float>, with a: UnsafePointer<Float>, minus b: UnsafePointer<Float>, count: Int
    ) -> Double {
        var sums = Doubles()
        var i = 0
        while i + 8 <= count {
            sums += Doubles(load(w + i)) * Doubles(load(a + i) - load(b + i))
            i += 8
        }
        var sum = sums.sum()
        while i < count {
            sum += Double(w[i]) * Double(a[i] - b[i])
            i += 1
        }
        return sum
    }

    /// Σ|w|.
    static func sumOfMagnitudes(_ w: UnsafePointer<Float>, count: Int) -> Double {
        var sums = Doubles()
        var i = 0
        while i + 8 <= count {
            let v = load(w + i)
            sums += Doubles(v.replacing(with: -v, where: v .< 0))
            i += 8
        }
        var sum = sums.sum()
        while i < count {
            sum += Double(abs(w[i]))
            i += 1
        }
        return sum
    }

    /// The largest |value|.
    static func largestMagnitude(_ values: UnsafePointer<Float>, count: Int) -> Float {
        largest(count) {
            load(values + $0)
        } _: {
            values[$0]
        }
    }

    /// The largest |a − b|.
    static func largestDistance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        largest(count) {
            load(a + $0) - load(b + $0)
        } _: {
            a[$0] - b[$0]
        }
    }

    @inline(__always)
    private static func largest(_ count: Int, _ vector: (Int) -> Singles, _ value: (Int) -> Float) -> Float {
        var largest = Singles()
        var i = 0
        while i + 8 <= count {
            let v = vector(i)
            let size = v.replacing(with: -v, where: v .< 0)
            largest.replace(with: size, where: size .> largest)
            i += 8
        }
        var result = largest.max()
        while i < count {
            result = Swift.max(result, abs(value(i)))
            i += 1
        }
        return result
    }
}

extension Norm {
    /// The size of a perturbation of `count` values from `b` to `a`, rounded to float32.
    func distance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        switch self {
        case .linf: ImageSums.largestDistance(a, b, count: count)
        case .l2: Float(ImageSums.distance(a, b, count: count))
        }
    }
}
