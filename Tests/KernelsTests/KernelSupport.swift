import Kernels
import Testing

/// Float32 memory of a test: values, and behind them guards that no kernel may write to.
final class Guarded {
    private let buffer: FloatBuffer
    let count: Int
    private static let mark: Float = 12345

    init(_ values: [Float]) {
        count = values.count
        buffer = FloatBuffer(values + [Float](repeating: Self.mark, count: 80))
    }

    /// Values that a kernel must overwrite.
    convenience init(count: Int) { self.init([Float](repeating: .nan, count: count)) }

    var pointer: UnsafeMutablePointer<Float> { buffer.pointer }
    var array: [Float] { Array(buffer.array[..<count]) }
    var isGuardIntact: Bool { buffer.array[count...].allSatisfy { $0 == Self.mark } }
}

/// Equality of bits, so that NaN equals itself and zeros keep their sign.
func isIdentical(_ a: [Float], _ b: [Float]) -> Bool { a.map(\.bitPattern) == b.map(\.bitPattern) }

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// Central differences of `function` in float64.
func finiteDifferences(_ x: [Double], step: Double = 1e-5, _ function: ([Double]) -> Double) -> [Double] {
    x.indices.map { i in
        var (low, high) = (x, x)
        low[i] -= step
        high[i] += step
        return (function(high) - function(low)) / (2 * step)
    }
}

/// Σ a·b: the loss whose gradient with respect to `a` is `b`.
func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// A layout of [rows, channels].
struct Layout: CustomTestStringConvertible, Sendable {
    let rows: Int
    let channels: Int

    init(_ rows: Int, _ channels: Int) { (self.rows, self.channels) = (rows, channels) }

    var count: Int { rows * channels }
    var testDescription: String { "\(rows)×\(channels)" }

    /// Few rows, odd numbers of channels, vectors with tails, packed rows, several blocks and several periods.
    static let all = [
        Layout(1, 1), Layout(3, 1), Layout(1000, 3), Layout(70, 7), Layout(65, 8), Layout(131, 15), Layout(1, 16),
        Layout(700, 16), Layout(77, 17), Layout(5000, 24), Layout(63, 32), Layout(33, 48), Layout(64, 64),
        Layout(515, 64), Layout(70, 80), Layout(129, 96), Layout(40, 130), Layout(20, 513),
    ]
}
