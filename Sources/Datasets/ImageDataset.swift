import Images
import Kernels
import Salience

/// Labelled images of one size, all in memory, as 8-bit values.
///
/// A value: nothing in it changes after `init`, so any number of threads may read it. Memory:
/// `count · imageShape.count` bytes, and four times `count · imageShape.pixels` more where there is salience.
package final class ImageDataset: ImageSource {
    /// What the recipe calls it: one of `DatasetLoader.names`.
    package let name: String
    package let imageShape: ImageShape
    /// One name per class; a label is an index into it.
    package let classNames: [String]
    /// N×H×W×C, 0 to 255.
    package let pixels: [UInt8]
    /// N labels, each in `0..<classes`.
    package let labels: [Int32]
    /// N×H×W in [0, 1], 1 = meaningful; nil when no map was attached.
    package let ownSalience: [Float]?
    /// Which images have a map of their own; the map of every other image is to be ignored. Nil means all, where there
    /// is `ownSalience`, and none where there is not.
    package let annotated: [Bool]?
    /// Name, count, shape and a 64-bit hash over labels and pixels: two data sets with the same fingerprint are, for
    /// all practical purposes, the same images in the same order.
    package let fingerprint: String
    /// The same for salience: a 64-bit hash over maps and flags, or nil where there is no salience.
    package let salienceFingerprint: String?

    package convenience init(
        name: String, imageShape: ImageShape, classNames: [String], pixels: [UInt8], labels: [Int32],
        salience: [Float]? = nil, annotated: [Bool]? = nil
    ) {
        precondition(pixels.count == labels.count * imageShape.count, "pixels do not match labels and shape")
        precondition(labels.allSatisfy { classNames.indices.contains(Int($0)) }, "label out of range")
        var hash = ContentHash()
        labels.withUnsafeBytes { hash.combine($0) }
        pixels.withUnsafeBytes { hash.combine($0) }
        self.init(
            name: name, imageShape: imageShape, classNames: classNames, pixels: pixels, labels: labels,
            salience: salience, annotated: annotated,
            fingerprint: "\(name) \(labels.count)×\(imageShape) \(hash.hexadecimal)")
    }

    private init(
        name: String, imageShape: ImageShape, classNames: [String], pixels: [UInt8], labels: [Int32],
        salience: [Float]?, annotated: [Bool]?, fingerprint: String
    ) {
        precondition(salience.map { $0.count == labels.count * imageShape.pixels } ?? true, "salience does not match")
        precondition(annotated.map { $0.count == labels.count } ?? true, "flags do not match labels")
        self.name = name
        self.imageShape = imageShape
        self.classNames = classNames
        self.pixels = pixels
        self.labels = labels
        ownSalience = salience
        self.annotated = annotated
        self.fingerprint = fingerprint
        salienceFingerprint = salience.map { ContentHash.ofSalience($0, annotated: annotated) }
    }

    package func read(_ index: Int, _ draw: SampleDraw, into target: UnsafeMutablePointer<UInt8>) throws -> SampleGeometry {
        precondition(index >= 0 && index < count, "image \(index) of \(count)")
        let shape = imageShape
        return pixels.withUnsafeBufferPointer { draw.place(fitted: $0.baseAddress! + index * shape.count, shape: shape, into: target) }
    }

    package func readMap(_ index: Int, _ geometry: SampleGeometry, epoch: Int, into map: UnsafeMutablePointer<Float>) throws -> Bool {
        guard let ownSalience, annotated?[index] ?? true else { return false }
        let size = imageShape.pixels
        ownSalience.withUnsafeBufferPointer { maps in
            geometry.apply(toFittedMap: maps.baseAddress! + index * size, fitted: fit(of: geometry), into: map)
        }
        return true
    }

    package func salienceState(of index: Int) -> SalienceState {
        ownSalience != nil && annotated?[index] ?? true ? .map : .unseen
    }

    /// The same images with these maps; pixels are shared, not copied.
    func replacingSalience(_ maps: [Float], annotated: [Bool]?) -> ImageDataset {
        ImageDataset(
            name: name, imageShape: imageShape, classNames: classNames, pixels: pixels, labels: labels,
            salience: maps, annotated: annotated, fingerprint: fingerprint)
    }
}
