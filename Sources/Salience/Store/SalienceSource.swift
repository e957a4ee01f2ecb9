import Images

/// A salience map for each image of one split of a data set, wherever the maps are and whoever made them: a store, a file of
/// arrays, or another source seen through a rule (equal coverage, maps of other images, maps drawn at random).
///
/// A value: what `read` writes for an index and an epoch never changes, so any thread may call it at any time. The maps are those of fitted
/// images, as `ImageSource.imageShape` has them; the data set's geometry moves them from there.
package protocol SalienceSource: Sendable {
    /// The file or folder, for messages.
    var path: String { get }
    /// Images, as many as the split has.
    var count: Int { get }
    /// Of every map that `read` writes.
    var size: PixelSize { get }
    /// Two sources of one fingerprint hold the same states and the same maps in the same order.
    var fingerprint: String { get }

    /// Of image `index`, in `0..<count`. O(1).
    func state(of index: Int) -> SalienceState

    /// Writes the map of image `index`: `size.pixels` values in [0, 1], rows from top to bottom, 1 where a pixel is meaningful;
    /// zeros where the state is not `.map`.
    ///
    /// - Throws: `Failure` where the file is damaged.
    func read(_ index: Int, into map: UnsafeMutablePointer<Float>) throws

    /// The same for one epoch of training, counted from 0, where maps are drawn anew in each (`SalienceRule.redrawn`); elsewhere, and
    /// in epoch 0, as `read` without one.
    func read(_ index: Int, epoch: Int, into map: UnsafeMutablePointer<Float>) throws

    /// What people drew, where it is kept so: then a random crop shows it sharp. Nil: only `read` knows the map.
    func outlines(of index: Int) throws -> OutlinedMap?

    /// On whose word the maps are; records name them by their index.
    var origins: [SalienceOrigin] { get }

    /// Calls `body` with what is known of each image's map, in order.
    func forEachRecord(_ body: (_ index: Int, _ record: SalienceRecord) throws -> Void) throws
}

extension SalienceSource {
    package func outlines(of index: Int) throws -> OutlinedMap? { nil }

    package func read(_ index: Int, epoch: Int, into map: UnsafeMutablePointer<Float>) throws { try read(index, into: map) }

    /// Images in each state. O(count).
    package var counts: SalienceCounts {
        (0..<count).reduce(into: SalienceCounts()) { $0[state(of: $1)] += 1 }
    }
}

/// A map as shapes: what is inside any of them is salient.
package struct OutlinedMap: Sendable, Hashable {
    package var outlines: [Outline]
    /// Of the upright image in whose pixels the outlines are.
    package var size: PixelSize

    package init(_ outlines: [Outline], size: PixelSize) {
        self.outlines = outlines
        self.size = size
    }
}
