import Foundation
import Kernels

/// The admissible set around one image, and the two moves an attack makes in it.
///
/// Each move costs a few passes over the image, O(count), and allocates nothing.
struct MaskedBall {
    let threat: ThreatModel
    /// [height, width, channels].
    let image: UnsafePointer<Float>
    /// [height, width].
    let mask: UnsafePointer<Float>
    /// [height, width, channels]: how far each value may move, as `writeBudgets` fills it. Only L∞ reads it.
    let budgets: UnsafePointer<Float>
    let shape: ImageShape

    /// Spreads the budgets of pixels over their values, once per attack: the steps then run over values in vectors.
    static func writeBudgets(
        _ threat: ThreatModel, mask: UnsafePointer<Float>, shape: ImageShape, into budgets: UnsafeMutablePointer<Float>
    ) {
        for pixel in 0..<shape.pixels {
            (budgets + pixel * shape.channels).update(repeating: threat.budget(mask[pixel]), count: shape.channels)
        }
    }

    /// A random point: uniform per value for L∞; for L2 the salient part uniform in its ball, the background uniform in
    /// what the ball of radius ε leaves (a soft mask squeezes the balls into ellipsoids); then clipped to [0, 1].
    ///
    /// - Parameters:
    ///   - share: of each value's budget that L∞ draws from.
    ///   - scratch: as many floats as the image has.
    func randomStart(
        _ random: Philox, share: Float = 1, scratch: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) {
        let (pixels, channels) = (shape.pixels, shape.channels)
        switch threat.norm {
        case .linf:
            random.fillUniform(scratch, count: shape.count, low: -1, high: 1)
            for i in 0..<shape.count {
                let budget = share * budgets[i]
                output[i] = min(max(image[i] + min(max(scratch[i] * budget, -budget), budget), 0), 1)
            }
        case .l2:
            // A Gaussian direction, and in n dimensions a radius distributed as u^(1/n) (Muller 1959).
            random.fillNormal(scratch, count: shape.count, standardDeviation: 1)
            weigh(scratch)
            let length = lengths(scratch)
            let free = freeValues()
            let next = 4 * ((shape.count + 3) / 4)
            func scale(_ radius: Double, _ length: Double, _ dimensions: Int, _ u: Float) -> Float {
                length > 0 ? Float(radius * pow(Double(u), 1 / Double(dimensions)) / length) : 0
            }
            let salient = scale(Double(threat.epsilonSalient), length.salient, free.salient, random.uniform(next + 1))
            let (whole, used) = (Double(threat.epsilon), Double(salient) * length.salient)
            let left = used > 0 ? max(0, whole * whole - used * used).squareRoot() : whole
            let background = scale(left, length.background, free.background, random.uniform(next))
            for pixel in 0..<pixels {
                let scale = threat.isBackground(mask[pixel]) ? background : salient
                for i in pixel * channels..<(pixel + 1) * channels {
                    output[i] = min(max(image[i] + scratch[i] * scale, 0), 1)
                }
            }
        }
    }

    /// The image plus normal noise, projected onto the ball and onto [0, 1].
    ///
    /// - Parameter scratch: as many floats as the image has.
    func normalStart(
        _ random: Philox, deviation: Float, scratch: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) {
        random.fillNormal(scratch, count: shape.count, standardDeviation: deviation)
        for i in 0..<shape.count { output[i] = image[i] + scratch[i] }
        // A step of no length projects.
        scratch.update(repeating: 0, count: shape.count)
        step(0, along: scratch, from: output)
    }

    /// One step of length `size` along the gradient, projected onto the ball and onto [0, 1].
    ///
    /// - Parameter gradient: overwritten.
    func step(_ size: Float, along gradient: UnsafeMutablePointer<Float>, from point: UnsafeMutablePointer<Float>) {
        switch threat.norm {
        case .linf: stepLinf(size, gradient, point)
        case .l2: stepL2(size, gradient, point)
        }
    }

    private func stepLinf(_ size: Float, _ gradient: UnsafeMutablePointer<Float>, _ point: UnsafeMutablePointer<Float>) {
        // Without branches or calls, so that the compiler makes vectors of it.
        for i in 0..<shape.count {
            let (g, x, budget) = (gradient[i], image[i], budgets[i])
            let moved = point[i] + (g > 0 ? size : g < 0 ? -size : 0)
            let projected = min(max(x + min(max(moved - x, -budget), budget), 0), 1)
            point[i] = budget > 0 ? projected : x
        }
    }

    private func stepL2(_ size: Float, _ gradient: UnsafeMutablePointer<Float>, _ point: UnsafeMutablePointer<Float>) {
        let channels = shape.channels
        weigh(gradient)
        // In float64, because the square of a small gradient is no float32 number.
        let slope = lengths(gradient)
        let steepness = (slope.background * slope.background + slope.salient * slope.salient).squareRoot()
        let scale = steepness > 0 ? Double(size) / steepness : 0
        for i in 0..<shape.count { point[i] += Float(Double(gradient[i]) * scale) }
        let length = lengths(point, from: image)
        let (background, salient) = threat.shrinking(background: length.background, salient: length.salient)
        for pixel in 0..<shape.pixels {
            let isFrozen = weight(mask[pixel]) == 0
            let shrink = threat.isBackground(mask[pixel]) ? background : salient
            for i in pixel * channels..<(pixel + 1) * channels {
                point[i] = isFrozen ? image[i] : min(max(image[i] + (point[i] - image[i]) * shrink, 0), 1)
            }
        }
    }

    /// What an L2 attack multiplies a pixel's gradient by; 0 where the pixel stays.
    private func weight(_ m: Float) -> Float {
        threat.epsilonSalient == 0 ? (threat.epsilon > 0 ? m : 0) : 1
    }

    private func weigh(_ values: UnsafeMutablePointer<Float>) {
        for pixel in 0..<shape.pixels {
            let w = weight(mask[pixel])
            for i in pixel * shape.channels..<(pixel + 1) * shape.channels { values[i] *= w }
        }
    }

    /// How many values of the image may move in each of the two balls.
    private func freeValues() -> (background: Int, salient: Int) {
        var (background, salient) = (0, 0)
        for pixel in 0..<shape.pixels where weight(mask[pixel]) != 0 {
            if threat.isBackground(mask[pixel]) { background += shape.channels } else { salient += shape.channels }
        }
        return (background, salient)
    }

    /// Euclidean lengths of `values`, or of their distance from `origin`, over the pixels of the two balls.
    private func lengths(
        _ values: UnsafePointer<Float>, from origin: UnsafePointer<Float>? = nil
    ) -> (background: Double, salient: Double) {
        var (background, salient) = (0.0, 0.0)
        for pixel in 0..<shape.pixels {
            var sum = 0.0
            for i in pixel * shape.channels..<(pixel + 1) * shape.channels {
                let value = Double(values[i] - (origin?[i] ?? 0))
                sum += value * value
            }
            if threat.isBackground(mask[pixel]) { background += sum } else { salient += sum }
        }
        return (background.squareRoot(), salient.squareRoot())
    }
}
