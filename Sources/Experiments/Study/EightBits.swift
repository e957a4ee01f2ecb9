/// What becomes of a perturbed image on a screen, which shows 256 steps.
package enum EightBits {
    /// The nearest step to each value, but none farther from the clean image than the radius allows: rounding alone could add half
    /// a step.
    ///
    /// - Parameters:
    ///   - perturbed: values in [0, 1].
    ///   - clean: the image it was made of.
    ///   - epsilon: the radius, L∞, in units of pixel values.
    package static func rounded(_ perturbed: UnsafeBufferPointer<Float>, clean: UnsafeBufferPointer<UInt8>, epsilon: Float) -> [UInt8] {
        let limit = steps(epsilon)
        return zip(perturbed, clean).map { value, clean in
            let (step, clean) = (Int((value * 255).rounded()), Int(clean))
            return UInt8(min(255, max(0, min(clean + limit, max(clean - limit, step)))))
        }
    }

    /// Whole steps within the radius. A thousandth of a step is forgiven: 8/255 is no number of float32.
    package static func steps(_ epsilon: Float) -> Int { Int((epsilon * 255 + 1e-3).rounded(.down)) }
}
