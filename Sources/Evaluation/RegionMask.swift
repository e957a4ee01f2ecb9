import Kernels
import Salience

/// Which pixels an attacker of a region may change.
///
/// The regions are those of training with a binary mask at the same threshold: the background is what SIP-AT attacks, an
/// image without a map being background everywhere, and the salient region is the rest.
struct RegionMask {
    let region: EvaluationProtocol.Region
    let threshold: Float

    /// Writes the mask of one image, [height, width].
    ///
    /// - Parameter salience: the image's map, or nil if it has none.
    /// - Returns: whether any pixel may change.
    func write(salience: UnsafePointer<Float>?, pixels: Int, into mask: UnsafeMutablePointer<Float>) -> Bool {
        let binary = PerturbationMask.binary(threshold: threshold)
        switch (region, salience) {
        case (.all, _), (.background, nil): mask.update(repeating: 1, count: pixels)
        case (.salient, nil): mask.update(repeating: 0, count: pixels)
        case (.background, let salience?): binary.fill(mask, salience: salience, images: 1, pixels: pixels)
        case (.salient, let salience?):
            binary.fill(mask, salience: salience, images: 1, pixels: pixels)
            for i in 0..<pixels { mask[i] = 1 - mask[i] }
        }
        return (0..<pixels).contains { mask[$0] > 0 }
    }
}
