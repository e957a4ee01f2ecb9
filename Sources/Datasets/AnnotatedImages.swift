import Images
import Kernels
import Salience

/// A data set with people's or an estimator's maps, which stay where they are until they are asked for.
final class AnnotatedImages: ImageSource {
    private let base: any ImageSource
    private let source: any SalienceSource
    /// For each image, whether it counts as unseen whatever the source says; nil: none.
    private let ignored: [Bool]?
    let salienceFingerprint: String?

    /// - Parameters:
    ///   - source: maps of the size of the images, as many; checked by the caller.
    init(_ base: any ImageSource, source: any SalienceSource, ignoring ignored: [Bool]?) {
        self.base = base
        self.source = source
        let ignored = ignored.flatMap { $0.contains(true) ? $0 : nil }
        self.ignored = ignored
        var hash = ContentHash()
        ignored?.withUnsafeBytes { hash.combine($0) }
        salienceFingerprint = source.fingerprint + (ignored == nil ? "" : " without \(hash.hexadecimal)")
    }

    var name: String { base.name }
    var imageShape: ImageShape { base.imageShape }
    var classNames: [String] { base.classNames }
    var labels: [Int32] { base.labels }
    var groups: [Int32]? { base.groups }
    var fingerprint: String { base.fingerprint }
    var decodes: Bool { base.decodes }
    var fitRule: FitRule { base.fitRule }
    var salience: (any SalienceSource)? { source }

    var hasNames: Bool { base.hasNames }

    func names() throws -> [String] { try base.names() }

    func fileHashes(_ indices: [Int]) throws -> [String?] { try base.fileHashes(indices) }

    func originals() throws -> [OriginalImage] { try base.originals() }

    func read(_ index: Int, _ draw: SampleDraw, into pixels: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        try base.read(index, draw, into: pixels)
    }

    func salienceState(of index: Int) -> SalienceState { ignored?[index] == true ? .unseen : source.state(of: index) }

    func readMap(_ index: Int, _ geometry: SampleGeometry, epoch: Int, into map: UnsafeMutablePointer<Float>) throws -> Bool {
        guard salienceState(of: index) == .map else { return false }
        let fitted = base.fit(of: geometry)
        // A random crop shows shapes sharper than the fitted map can.
        if fitted != geometry.fit, let shapes = try source.outlines(of: index), shapes.size == geometry.fit.source {
            let drawn = geometry.fit.draw(shapes.outlines).values
            for i in 0..<imageShape.pixels { map[i] = Float(drawn[i]) / 255 }
            return true
        }
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: imageShape.pixels) { whole in
            try source.read(index, epoch: epoch, into: whole.baseAddress!)
            geometry.apply(toFittedMap: whole.baseAddress!, fitted: fitted, into: map)
        }
        return true
    }

    func fit(of geometry: SampleGeometry) -> Geometry { base.fit(of: geometry) }

    func title(of index: Int) -> String { base.title(of: index) }

    func attributes() throws -> [String: [String?]] { try base.attributes() }
}
