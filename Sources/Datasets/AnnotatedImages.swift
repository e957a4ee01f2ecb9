import Images
import Kernels

/// A source with maps that were made for its fitted images, in memory.
final class AnnotatedImages: ImageSource {
    private let base: any ImageSource
    private let maps: [Float]
    private let annotated: [Bool]?
    let salienceFingerprint: String?

    /// - Parameters:
    ///   - maps: N×H×W in [0, 1], checked by the caller.
    ///   - annotated: per image, whether its map counts; nil: all do.
    init(_ base: any ImageSource, maps: [Float], annotated: [Bool]?) {
        self.base = base
        self.maps = maps
        self.annotated = annotated
        salienceFingerprint = ContentHash.ofSalience(maps, annotated: annotated)
    }

    var name: String { base.name }
    var imageShape: ImageShape { base.imageShape }
    var classNames: [String] { base.classNames }
    var labels: [Int32] { base.labels }
    var groups: [Int32]? { base.groups }
    var fingerprint: String { base.fingerprint }
    var decodes: Bool { base.decodes }

    func read(_ index: Int, _ draw: SampleDraw, into pixels: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        try base.read(index, draw, into: pixels)
    }

    func readMap(_ index: Int, _ geometry: SampleGeometry, into map: UnsafeMutablePointer<Float>) throws -> Bool {
        guard annotated?[index] ?? true else { return false }
        let size = imageShape.pixels
        maps.withUnsafeBufferPointer { maps in
            geometry.apply(toFittedMap: maps.baseAddress! + index * size, fitted: base.fit(of: geometry), into: map)
        }
        return true
    }

    func fit(of geometry: SampleGeometry) -> Geometry { base.fit(of: geometry) }

    func title(of index: Int) -> String { base.title(of: index) }
}
