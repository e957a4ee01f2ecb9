import Foundation

/// The discrete Fourier transform of a 64×64 image, by the radix-2 algorithm of Cooley and Tukey over rows, then columns.
enum FourierTransform {
    static let side = 64

    private static let logSide = 6
    /// e^(−2πi·k/64) for k in 0..<32.
    private static let cosines = (0..<side / 2).map { cos(2 * Double.pi * Double($0) / Double(side)) }
    private static let sines = (0..<side / 2).map { -sin(2 * Double.pi * Double($0) / Double(side)) }
    private static let reversed = (0..<side).map { i in (0..<logSide).reduce(0) { $0 | (i >> $1 & 1) << (logSide - 1 - $1) } }

    /// Transforms in place, [64, 64] in row-major order. The inverse divides by 64².
    static func transform(_ real: inout [Double], _ imaginary: inout [Double], inverse: Bool) {
        precondition(real.count == side * side && imaginary.count == side * side)
        real.withUnsafeMutableBufferPointer { real in
            imaginary.withUnsafeMutableBufferPointer { imaginary in
                for i in 0..<side { line(real.baseAddress! + i * side, imaginary.baseAddress! + i * side, stride: 1, inverse) }
                for i in 0..<side { line(real.baseAddress! + i, imaginary.baseAddress! + i, stride: side, inverse) }
                guard inverse else { return }
                let scale = 1 / Double(side * side)
                for i in 0..<(side * side) {
                    real[i] *= scale
                    imaginary[i] *= scale
                }
            }
        }
    }

    private static func line(_ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, stride: Int, _ inverse: Bool) {
        for i in 0..<side where i < reversed[i] {
            swap(&re[i * stride], &re[reversed[i] * stride])
            swap(&im[i * stride], &im[reversed[i] * stride])
        }
        var half = 1
        while half < side {
            let step = side / (2 * half)
            for k in 0..<half {
                let c = cosines[k * step]
                let s = inverse ? -sines[k * step] : sines[k * step]
                var i = k
                while i < side {
                    let (a, b) = (i * stride, (i + half) * stride)
                    let (x, y) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c)
                    (re[b], im[b]) = (re[a] - x, im[a] - y)
                    (re[a], im[a]) = (re[a] + x, im[a] + y)
                    i += 2 * half
                }
            }
            half *= 2
        }
    }
}
