import Diagnostics

/// How a salience map S becomes the perturbation mask M: 1 where the attack may use its whole budget, 0 where nothing
/// may move (Redgrave and Czajka, SIP-AT, arXiv 2501.09086).
package enum PerturbationMask: Hashable, Sendable {
    /// M = 1 where 1 − S ≥ threshold, else 0 (the published code, with 0.5).
    case binary(threshold: Float)
    /// M = 1 − S.
    case soft
    /// The ablation: M = 1 where S ≥ threshold, else 0, so that only meaningful pixels are attacked.
    case inverted(threshold: Float)

    /// What a recipe calls them.
    package enum Name: String, Sendable, CaseIterable {
        case binary
        case soft
        case inverted
    }

    /// - Throws: `Failure.usage` for a threshold outside (0, 1].
    package init(_ name: Name, threshold: Float = 0.5) throws {
        guard threshold > 0, threshold <= 1 else {
            throw Failure.usage("a salience threshold of \(threshold), expected a number above 0 and at most 1", remedy: "the paper's is 0.5")
        }
        switch name {
        case .binary: self = .binary(threshold: threshold)
        case .soft: self = .soft
        case .inverted: self = .inverted(threshold: threshold)
        }
    }

    /// Fills `mask` from `salience`, both [images, pixels]. Allocates nothing; the two may be the same memory.
    ///
    /// - Parameter annotated: for each image, whether anybody annotated it; one that nobody did gets M = 1 everywhere
    ///   (ordinary adversarial training) in every mode. nil: all are annotated.
    package func fill(
        _ mask: UnsafeMutablePointer<Float>, salience: UnsafePointer<Float>, annotated: UnsafePointer<Bool>? = nil, images: Int,
        pixels: Int
    ) {
        for image in 0..<images {
            let m = mask + image * pixels
            let s = salience + image * pixels
            if let annotated, !annotated[image] {
                for i in 0..<pixels { m[i] = 1 }
                continue
            }
            switch self {
            case .binary(let threshold):
                for i in 0..<pixels { m[i] = 1 - s[i] >= threshold ? 1 : 0 }
            case .soft:
                for i in 0..<pixels { m[i] = 1 - s[i] }
            case .inverted(let threshold):
                for i in 0..<pixels { m[i] = s[i] >= threshold ? 1 : 0 }
            }
        }
    }
}
