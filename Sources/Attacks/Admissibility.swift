import Diagnostics
import Kernels

/// The check that a perturbation stayed inside its threat model, made where it is used and independent of the attack.
package enum Admissibility {
    /// Computed in float64. Rounding is forgiven: 2·10⁻⁷ per value for L∞; 10⁻⁵ of the radius and 6·10⁻⁸·√values for L2.
    /// A masked pixel is forgiven nothing, and a value that is not a number violates every threat model.
    ///
    /// Cost: one pass over the images; no allocation.
    ///
    /// - Parameters:
    ///   - images, adversarial: [count, height, width, channels].
    ///   - mask: [count, height, width], or nil for all ones.
    ///   - names: what to call the samples in a message; nil for their places.
    /// - Throws: `Failure` naming the first sample of the batch that left the ball, the mask or [0, 1], and by how much.
    package static func check(
        _ images: UnsafePointer<Float>, _ adversarial: UnsafePointer<Float>, mask: UnsafePointer<Float>?,
        threat: ThreatModel, shape: ImageShape, count: Int, names: [String]? = nil
    ) throws {
        func violation(_ sample: Int, _ pixel: Int, _ shape: ImageShape, _ what: String) -> Failure {
            .internalError(
                "perturbation of sample \(names?[sample] ?? "\(sample)"): pixel (\(pixel / shape.width), \(pixel % shape.width)) \(what)")
        }
        // One rounding of x + δ at values up to 1, and one of a radius.
        let slack = 2e-7
        for sample in 0..<count {
            var (background, salient) = (0.0, 0.0)
            for pixel in 0..<shape.pixels {
                let m = mask?[sample * shape.pixels + pixel] ?? 1
                guard m >= 0, m <= 1 else { throw violation(sample, pixel, shape, "has the mask value \(m)") }
                let budget = Double(threat.budget(m))
                var sum = 0.0
                for channel in 0..<shape.channels {
                    let i = (sample * shape.pixels + pixel) * shape.channels + channel
                    let (value, move) = (adversarial[i], Double(adversarial[i]) - Double(images[i]))
                    guard value >= 0, value <= 1 else { throw violation(sample, pixel, shape, "has the value \(value)") }
                    guard budget > 0 || move == 0 else {
                        throw violation(sample, pixel, shape, "is masked and moved by \(move)")
                    }
                    guard threat.norm != .linf || abs(move) <= budget + slack else {
                        throw violation(sample, pixel, shape, "moved by \(move), its budget being \(budget)")
                    }
                    sum += move * move
                }
                if threat.epsilonSalient == 0 || threat.isBackground(m) { background += sum } else { salient += sum }
            }
            guard threat.norm == .l2 else { continue }
            let rounding = 6e-8 * Double(shape.count).squareRoot()
            for (sum, radius) in [(background + salient, threat.epsilon), (salient, threat.epsilonSalient)] {
                guard sum.squareRoot() <= Double(radius) * (1 + 1e-5) + rounding else {
                    throw Failure.internalError(
                        "perturbation of sample \(names?[sample] ?? "\(sample)"): L2 size \(sum.squareRoot()), the radius being \(radius)")
                }
            }
        }
    }
}
