import Images
import Kernels
import Salience

/// Labelled images of one split, wherever they are: in memory, packed in one file, in folders, in shards.
///
/// Training, evaluation and estimation know images through this protocol only. A source is a value: what `read` returns for
/// an index and a draw never changes, so any thread may call it at any time, and every rank that has a source of the same
/// fingerprint reads the same pixels.
///
/// One geometry serves a sample's image, map and outlines. `read` finds out how large the image is, draws where its pixels
/// come from, and returns that: whoever has a map or boxes of the same image puts them through it. A map is asked for after
/// its image, by `readMap`; where people's maps come from is a `SalienceSource`'s concern.
///
/// Two steps lead from a file to a sample. **Fit** makes every image one size (`imageShape`), by resizing it or cutting out
/// its middle: it is the source's, part of its fingerprint, and what a packed set has done once. **Augmentation** is drawn by
/// (seed, epoch, sample): a shift and a mirror of the fitted image, so that a packed set, a folder and shards give the same
/// bits; or a random resized crop, which is taken from the pixels the source has.
package protocol ImageSource: Sendable {
    /// What the recipe calls it.
    var name: String { get }
    /// Of every image that `read` writes.
    var imageShape: ImageShape { get }
    /// One name per class; a label is an index into it.
    var classNames: [String] { get }
    /// One label per image, each in `0..<classes`.
    var labels: [Int32] { get }
    /// Images of one group (a part seen twice, a patient) are never separated by a split. One number per image; nil: each
    /// image stands for itself.
    var groups: [Int32]? { get }
    /// Two sources with the same fingerprint hold, for all practical purposes, the same images in the same order.
    var fingerprint: String { get }
    /// The same for maps; nil where there are none.
    var salienceFingerprint: String? { get }

    /// Writes image `index`, in [0, `count`), in the place that `draw` gives it: `imageShape.count` values, H×W×C, 0 to 255.
    ///
    /// - Returns: where its pixels come from.
    /// - Throws: `Failure` naming the file, when it cannot be read or decoded.
    func read(_ index: Int, _ draw: SampleDraw, into pixels: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry

    /// Writes the image's map in the same place, `imageShape.pixels` values in [0, 1].
    ///
    /// - Parameter epoch: of training, counted from 0: some maps are drawn anew in each.
    /// - Returns: whether the image has a map of its own; if not, nothing is written.
    func readMap(_ index: Int, _ geometry: SampleGeometry, epoch: Int, into map: UnsafeMutablePointer<Float>) throws -> Bool

    /// What is known of the image's salience; `.unseen` where there are no maps.
    func salienceState(of index: Int) -> SalienceState

    /// Where the maps come from; nil where there are none, or they are the data set's own.
    var salience: (any SalienceSource)? { get }

    /// How images of other sizes were or are made `imageShape`.
    var fitRule: FitRule { get }

    /// Each image's name, by which maps and annotations find it: its path below the data set's folder, or where it has none its
    /// number.
    ///
    /// - Throws: `Failure` when a description of the images cannot be read.
    func names() throws -> [String]

    /// Whether names say which image it is: paths do, numbers do not.
    var hasNames: Bool { get }

    /// Hashes of the files that images came from, 64 bits in hexadecimal digits, the same for a file, its packed set and its shards;
    /// nil where there was none, or it cannot be read. Files are read whole, but not decoded.
    ///
    /// - Throws: `Failure` when a description of the images cannot be read.
    func fileHashes(_ indices: [Int]) throws -> [String?]

    /// What the images were before they were fitted: what annotations refer to. May read every file's header.
    func originals() throws -> [OriginalImage]

    /// The geometry that an image of the same size gets without augmentation: what maps of fitted images were made for.
    func fit(of geometry: SampleGeometry) -> Geometry

    /// Whether `read` opens and decodes a file, so that several threads are worth their while.
    var decodes: Bool { get }

    /// Image `index` for messages: its file, or its number.
    func title(of index: Int) -> String

    /// What a manifest says of the images besides their labels: by column, a value or nil for each image.
    func attributes() throws -> [String: [String?]]
}

extension ImageSource {
    package var count: Int { labels.count }
    package var classes: Int { classNames.count }
    package var groups: [Int32]? { nil }
    package var salienceFingerprint: String? { nil }
    package var decodes: Bool { false }
    package var hasSalience: Bool { salienceFingerprint != nil }

    package func readMap(_ index: Int, _ geometry: SampleGeometry, epoch: Int, into map: UnsafeMutablePointer<Float>) throws -> Bool { false }

    /// The map outside of training, or in its first epoch.
    package func readMap(_ index: Int, _ geometry: SampleGeometry, into map: UnsafeMutablePointer<Float>) throws -> Bool {
        try readMap(index, geometry, epoch: 0, into: map)
    }

    package func salienceState(of index: Int) -> SalienceState { .unseen }

    package var salience: (any SalienceSource)? { nil }

    package var fitRule: FitRule { .resize }

    package func names() throws -> [String] { (0..<count).map { "\($0)" } }

    package var hasNames: Bool { false }

    package func fileHashes(_ indices: [Int]) throws -> [String?] { indices.map { _ in nil } }

    package func originals() throws -> [OriginalImage] {
        try names().map { OriginalImage(name: $0, storedSize: imageSize, orientation: .up) }
    }

    /// Height and width of the images.
    package var imageSize: PixelSize { PixelSize(width: imageShape.width, height: imageShape.height) }

    package func fit(of geometry: SampleGeometry) -> Geometry { .identity(geometry.fit.output) }

    package func attributes() throws -> [String: [String?]] { [:] }

    package func title(of index: Int) -> String { "image \(index) of \(name)" }

    /// A table of columns from one row per image.
    func columns(_ rows: [[String: String]]) -> [String: [String?]] {
        let names = Set(rows.flatMap(\.keys))
        return Dictionary(uniqueKeysWithValues: names.map { name in (name, rows.map { $0[name] }) })
    }

    /// The map of image `index` without augmentation, as `readMap`.
    package func readFittedMap(_ index: Int, into map: UnsafeMutablePointer<Float>) throws -> Bool {
        try readMap(index, SampleGeometry(size: imageSize, placement: .identity), into: map)
    }

    /// Image `index` without augmentation, as values in [0, 1].
    package func read(_ index: Int, values: UnsafeMutablePointer<Float>) throws {
        let count = imageShape.count
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
            _ = try read(index, .none, into: bytes.baseAddress!)
            for i in 0..<count { values[i] = Float(bytes[i]) / 255 }
        }
    }
}

/// An image before it was fitted.
package struct OriginalImage: Sendable, Hashable {
    /// As `ImageSource.names`.
    package var name: String
    /// Of the pixels in the file.
    package var storedSize: PixelSize
    /// How they are turned to be upright.
    package var orientation: Orientation
    /// Boxes that a manifest gives, in stored pixels.
    package var boxes: [Box]
    /// The file of a mask that a manifest names.
    package var mask: String?
    /// As `ImageSource.fileHashes`.
    package var fileHash: String?

    package init(name: String, storedSize: PixelSize, orientation: Orientation, boxes: [Box] = [], mask: String? = nil, fileHash: String? = nil) {
        self.name = name
        self.storedSize = storedSize
        self.orientation = orientation
        self.boxes = boxes
        self.mask = mask
        self.fileHash = fileHash
    }
}
