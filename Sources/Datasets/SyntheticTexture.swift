import Foundation
import Kernels

/// A periodic pattern of mean 0 and root mean square √½, made of one wave along the rows and one along the columns.
/// Mirroring an image does not turn one pattern into another.
struct SyntheticTexture {
    private let pattern: Int
    private var rowWave: [Float]
    private var columnWave: [Float]

    /// Different patterns for `index` 0 to 15: four ways to combine the waves, times four periods.
    ///
    /// - Parameters:
    ///   - period: of the finest patterns, in pixels; the others are coarser by up to a factor of 2.7.
    ///   - phases: two numbers in [0, 1).
    init(index: Int, period: Float, phases: (Float, Float), size: Int) {
        pattern = index % 4
        let period = period * [1, 1.4, 1.95, 2.7][index / 4 % 4]
        func wave(_ phase: Float) -> [Float] { (0..<size).map { sin(2 * .pi * (Float($0) / period + phase)) } }
        rowWave = wave(phases.0)
        columnWave = wave(phases.1)
    }

    func value(y: Int, x: Int) -> Float {
        switch pattern {
        case 0: rowWave[y]
        case 1: columnWave[x]
        case 2: Float(2).squareRoot() * rowWave[y] * columnWave[x]
        default: Float(0.5).squareRoot() * (rowWave[y] + columnWave[x])
        }
    }
}
