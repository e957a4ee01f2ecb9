import Kernels
import Salience

/// Which pixels an attacker of a region may change.
///
/// The regions are those of training with a binary mask at the same threshold: the background is what SIP-AT attacks, an
/// image without a map being background everywhere, and the salient region is the rest. The random region is the salient one
/// moved by a random distance around the image (what leaves on one side enters on the other): of the same area and shape,
/// anywhere.
struct RegionMask {
    let region: EvaluationProtocol.Region
    let threshold: Float
    let seed: UInt64

    /// The stream of the random region; those below belong to the attacks.
    private static let stream = 15 << 20

    /// Writes the mask of one image, [height, width].
    ///
    /// - Parameters:
    ///   - salience: the image's map, or nil if it has none.
    ///   - index: in the data set; the random region follows from it and the seed.
    /// - Returns: whether any pixel may change.
    @discardableResult
    func write(salience: UnsafePointer<Float>?, shape: ImageShape, index: Int, into mask: UnsafeMutablePointer<Float>) -> Bool {
        let binary = PerturbationMask.binary(threshold: threshold)
        let pixels = shape.pixels
        switch (region, salience) {
        case (.all, _), (.background, nil): mask.update(repeating: 1, count: pixels)
        case (.salient, nil), (.random, nil): mask.update(repeating: 0, count: pixels)
        case (.background, let salience?): binary.fill(mask, salience: salience, images: 1, pixels: pixels)
        case (.salient, let salience?): fillSalient(mask, salience, pixels)
        case (.random, let salience?):
            withUnsafeTemporaryAllocation(of: Float.self, capacity: pixels) { salient in
                fillSalient(salient.baseAddress!, salience, pixels)
                let draws = Philox(seed: seed, purpose: .evaluation, epoch: Self.stream, sample: index)
                let (down, right) = (draws.uniform(0, below: shape.height), draws.uniform(1, below: shape.width))
                for row in 0..<shape.height {
                    let target = mask + (row + down) % shape.height * shape.width
                    for column in 0..<shape.width { target[(column + right) % shape.width] = salient[row * shape.width + column] }
                }
            }
        }
        return (0..<pixels).contains { mask[$0] > 0 }
    }

    private func fillSalient(_ mask: UnsafeMutablePointer<Float>, _ salience: UnsafePointer<Float>, _ pixels: Int) {
        PerturbationMask.binary(threshold: threshold).fill(mask, salience: salience, images: 1, pixels: pixels)
        for i in 0..<pixels { mask[i] = 1 - mask[i] }
    }
}
