import Images
import Kernels

/// Which geometry a sample gets: the augmentation, and the key of its random numbers.
package struct SampleDraw: Sendable, Hashable {
    package let augmentation: Augmentation
    private let seed: UInt64
    let epoch: Int
    private let sample: Int

    package init(_ augmentation: Augmentation, seed: UInt64, epoch: Int, sample: Int) {
        self.augmentation = augmentation
        self.seed = seed
        self.epoch = epoch
        self.sample = sample
    }

    /// The image as the source fits it.
    package static let none = SampleDraw(.none, seed: 0, epoch: 0, sample: 0)

    /// For an image that already has its size: where it is put.
    package var placement: Placement { augmentation.placement(seed: seed, epoch: epoch, sample: sample) }

    /// Puts an image that has its size into its place. No allocation, unless it is a random resized crop.
    func place(fitted source: UnsafePointer<UInt8>, shape: ImageShape, into target: UnsafeMutablePointer<UInt8>) -> SampleGeometry {
        let size = PixelSize(width: shape.width, height: shape.height)
        guard augmentation.randomResizedCrop == nil else {
            let geometry = geometry(source: size, orientation: .up, fit: .resize, size: size)
            geometry.fit.write(source, size: size, channels: shape.channels, to: target)
            return geometry
        }
        let placement = placement
        placement.apply(source, to: target, shape: shape)
        return SampleGeometry(size: size, placement: placement)
    }

    /// For an upright image of size `source` that `fit` brings to `size`.
    package func geometry(source: PixelSize, orientation: Orientation, fit: GeometryRule, size: PixelSize) -> SampleGeometry {
        guard let crop = augmentation.randomResizedCrop else {
            let fitted = fit.draw(
                source: source, orientation: orientation, output: size, crop: Philox(seed: seed, purpose: .crop), flip: Philox?.none)
            return SampleGeometry(fit: fitted, placement: placement)
        }
        let fitted = crop.draw(
            source: source, orientation: orientation, output: size,
            crop: Philox(seed: seed, purpose: .crop, epoch: epoch, sample: sample),
            flip: augmentation.horizontalFlip ? Philox(seed: seed, purpose: .flip, epoch: epoch, sample: sample) : nil)
        return SampleGeometry(fit: fitted, placement: .identity)
    }
}

extension Philox: UniformNumbers {}

/// Where the pixels of a sample come from: the upright image is fitted to the size of the source's images, then placed.
package struct SampleGeometry: Sendable, Hashable {
    package let fit: Geometry
    package let placement: Placement

    package init(fit: Geometry, placement: Placement) {
        self.fit = fit
        self.placement = placement
    }

    /// Of an image that needs no fitting.
    package init(size: PixelSize, placement: Placement) {
        self.init(fit: .identity(size), placement: placement)
    }

    /// Whether the image had its size before: then only `placement` moves pixels.
    package var isFitted: Bool { fit == .identity(fit.output) }

    /// An image of size `fit.source`, upright, in its place.
    package func apply(to image: Image, denominator: Int = 1, into pixels: UnsafeMutablePointer<UInt8>) {
        let shape = ImageShape(height: fit.output.height, width: fit.output.width, channels: image.channels.rawValue)
        image.pixels.withUnsafeBufferPointer { source in
            if isFitted { return placement.apply(source.baseAddress!, to: pixels, shape: shape) }
            if placement == .identity {
                return fit.write(source.baseAddress!, size: image.size, channels: shape.channels, denominator: denominator, to: pixels)
            }
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: shape.count) { fitted in
                fit.write(
                    source.baseAddress!, size: image.size, channels: shape.channels, denominator: denominator, to: fitted.baseAddress!)
                placement.apply(fitted.baseAddress!, to: pixels, shape: shape)
            }
        }
    }

    /// A map of size `fit.output`, made for fitted images, in its place: exactly where nothing was cut out at random, else
    /// resized by area (to 8 bits). Where such a box shows what fitting cut away, the map goes on as at its border, as it does
    /// elsewhere (`Geometry`): then a full map stays full, and an empty one empty.
    package func apply(toFittedMap map: UnsafePointer<Float>, fitted: Geometry?, into target: UnsafeMutablePointer<Float>) {
        let size = fit.output
        let shape = ImageShape(height: size.height, width: size.width, channels: 1)
        guard let fitted, fitted != fit else { return placement.apply(map, to: target, shape: shape) }
        // The crop's box, in the pixels of the fitted image.
        let (a, b) = (
            fitted.place(Point(x: fit.box.left, y: fit.box.top)), fitted.place(Point(x: fit.box.right, y: fit.box.bottom))
        )
        let isWithin = a.x > -1e-6 && a.y > -1e-6 && b.x < Double(size.width) + 1e-6 && b.y < Double(size.height) + 1e-6
        guard isWithin else {
            return stretch(
                map, columns: Self.shares(from: a.x, to: b.x, of: size.width, targets: size.width),
                rows: Self.shares(from: a.y, to: b.y, of: size.height, targets: size.height), into: target)
        }
        func within(_ value: Double, _ limit: Int) -> Double { min(max(value, 0), Double(limit)) }
        let box = Box(
            left: within(a.x, size.width), top: within(a.y, size.height), right: within(b.x, size.width), bottom: within(b.y, size.height))
        guard box.width > 0, box.height > 0 else { return target.update(repeating: 0, count: shape.pixels) }
        let bytes = (0..<shape.pixels).map { UInt8((map[$0] * 255).rounded()) }
        let placed = Geometry(source: size, box: box, output: size, flipped: fit.flipped).apply(toMap: bytes).values
        for i in 0..<shape.pixels { target[i] = Float(placed[i]) / 255 }
    }

    /// How much of each of `targets` equal parts of `from..<to` lies in which of `count` pixels, the outermost of which go on outwards.
    private static func shares(from: Double, to: Double, of count: Int, targets: Int) -> [[(pixel: Int, share: Double)]] {
        let length = (to - from) / Double(targets)
        return (0..<targets).map { target in
            let (start, end) = (from + Double(target) * length, from + Double(target + 1) * length)
            let first = min(max(Int(start.rounded(.down)), 0), count - 1)
            let last = min(max(Int(end.rounded(.up)) - 1, first), count - 1)
            return (first...last).map { pixel in
                let low = pixel == 0 ? -Double.infinity : Double(pixel)
                let high = pixel == count - 1 ? Double.infinity : Double(pixel + 1)
                return (pixel: pixel, share: max(0, min(end, high) - max(start, low)) / length)
            }
        }
    }

    /// The mean of a fitted map over the area of each pixel, mirrored if the fit is.
    private func stretch(
        _ map: UnsafePointer<Float>, columns: [[(pixel: Int, share: Double)]], rows: [[(pixel: Int, share: Double)]],
        into target: UnsafeMutablePointer<Float>
    ) {
        let width = columns.count
        var row = [Double](repeating: 0, count: width)
        for (y, parts) in rows.enumerated() {
            for x in row.indices { row[x] = 0 }
            for part in parts {
                for x in row.indices { row[x] += part.share * Double(map[part.pixel * width + x]) }
            }
            for (x, parts) in columns.enumerated() {
                let value = parts.reduce(0.0) { $0 + $1.share * row[$1.pixel] }
                target[y * width + (fit.flipped ? width - 1 - x : x)] = Float((min(max(value, 0), 1) * 255).rounded()) / 255
            }
        }
    }
}
