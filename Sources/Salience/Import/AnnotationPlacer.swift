import Diagnostics
import Images

/// Brings what a file says of an image into the image's own upright pixels, or into a map of fitted size.
struct AnnotationPlacer {
    /// Of the pixels in the image's file.
    var storedSize: PixelSize
    var orientation: Orientation
    /// Of maps that are kept as pixels.
    var size: PixelSize
    var fit: FitRule

    /// What became of one image's annotation.
    struct Placed {
        var content: SalienceContent
        /// Shapes that reach beyond the image.
        var clipped = 0
        /// Shapes without an area in the image.
        var dropped = 0
        /// Whether anything was marked, inside or outside of the image.
        var wasMarked = false
        /// Turned by EXIF, but of equal size before and after: taken as upright.
        var isAmbiguous = false
        /// Turned by EXIF, and nothing says of which size the annotated image was: taken as upright.
        var isUnsized = false
        /// Unsized, with shapes that fit into the stored image only.
        var isSideways = false
        var remarks: [String] = []
    }

    private var upright: PixelSize { orientation.size(of: storedSize) }

    /// - Parameters:
    ///   - regions: those whose labels are salient.
    ///   - name: the image, for messages.
    /// - Throws: `Failure.badData` where sizes do not fit, naming both, or a mask is damaged.
    func place(_ annotation: ImageAnnotation, _ regions: [ImageAnnotation.Region], name: String) throws -> Placed {
        let frame = try frame(annotation, name: name)
        let source = frame == .stored ? storedSize : upright
        var placed = Placed(content: .empty)
        let isAssumed = orientation != .up && !annotation.isStored && !regions.isEmpty
        placed.isUnsized = isAssumed && statedSize(annotation) == nil
        placed.isAmbiguous = isAssumed && !placed.isUnsized && storedSize == upright
        var outlines: [Outline] = []
        var canvas: [UInt8]?
        for region in regions {
            switch region.shape {
            case .outline(let outline):
                placed.wasMarked = true
                let scaled = annotation.isRelative ? outline.mapped { Point(x: $0.x * Double(source.width), y: $0.y * Double(source.height)) } : outline
                guard scaled.isReasonable else {
                    throw Failure.badData("\(name): a shape with a coordinate beyond ten million pixels, or that is no number", remedy: "export the annotation again")
                }
                if placed.isUnsized, !fits(scaled, in: upright), fits(scaled, in: storedSize) { placed.isSideways = true }
                let turned = frame == .stored ? scaled.mapped { orientation.upright($0, stored: storedSize) } : scaled
                guard let kept = clip(turned, &placed) else { continue }
                outlines.append(kept)
            case .mask(let mask):
                let fits = mask.corner == nil ? mask.size == source : mask.size.width <= source.width && mask.size.height <= source.height
                guard fits else { throw mismatch(mask.size, name: name, file: annotation.file) }
                let (values, remark) = try mask.unpacked(name: name)
                placed.wasMarked = placed.wasMarked || values.contains { $0 > 0 }
                if let remark, !placed.remarks.contains(remark) { placed.remarks.append(remark) }
                paste(values, mask, frame: frame, into: &canvas, &placed)
            }
        }
        if var canvas {
            // Masks and shapes together: one picture, as exact as the masks are.
            let drawn = Coverage.draw(outlines, size: upright)
            for i in canvas.indices { canvas[i] = max(canvas[i], drawn[i]) }
            if canvas.contains(where: { $0 > 0 }) {
                placed.content = .pixels(fit.geometry(from: upright, to: size).apply(toMap: canvas).values)
            }
        } else if !outlines.isEmpty {
            placed.content = .outlines(OutlinedMap(outlines, size: upright))
        }
        return placed
    }

    /// A mask of the whole image says its size too.
    private func statedSize(_ annotation: ImageAnnotation) -> PixelSize? {
        let masks = annotation.regions.lazy.compactMap { region -> PixelSize? in
            if case .mask(let mask) = region.shape, mask.corner == nil { mask.size } else { nil }
        }
        return annotation.size ?? masks.first
    }

    private func fits(_ outline: Outline, in size: PixelSize) -> Bool {
        let corners: [Point]
        switch outline {
        case .box(let box): corners = [Point(x: box.left, y: box.top), Point(x: box.right, y: box.bottom)]
        case .polygon(let points): corners = points
        }
        let (right, bottom) = (Double(size.width) + 1e-6, Double(size.height) + 1e-6)
        return corners.allSatisfy { $0.x >= -1e-6 && $0.y >= -1e-6 && $0.x <= right && $0.y <= bottom }
    }

    private func frame(_ annotation: ImageAnnotation, name: String) throws -> Geometry.Frame {
        guard let size = statedSize(annotation) else { return annotation.isStored ? .stored : .upright }
        if size == upright { return annotation.isStored && storedSize == upright ? .stored : .upright }
        if size == storedSize { return .stored }
        throw mismatch(size, name: name, file: annotation.file)
    }

    private func mismatch(_ size: PixelSize, name: String, file: String? = nil) -> Failure {
        let turned = upright == storedSize ? "" : " (\(storedSize) before its EXIF orientation)"
        return .badData(
            "\(name): the annotation\(file.map { " \($0)" } ?? "") is for an image of \(size), this one is \(upright)\(turned)",
            remedy: "was the image resized after it was annotated? Annotate or export it again, or leave it out with --skip-bad")
    }

    /// Within the image; nil where nothing of it is.
    private func clip(_ outline: Outline, _ placed: inout Placed) -> Outline? {
        let (right, bottom) = (Double(upright.width), Double(upright.height))
        func isBeyond(_ box: Box) -> Bool { box.left < -1e-6 || box.top < -1e-6 || box.right > right + 1e-6 || box.bottom > bottom + 1e-6 }
        let hull: Box
        switch outline {
        case .box(let box): hull = box
        case .polygon(let corners):
            guard corners.count >= 3, outline.isFinite else {
                placed.dropped += 1
                return nil
            }
            let (xs, ys) = (corners.map(\.x), corners.map(\.y))
            hull = Box(left: xs.min()!, top: ys.min()!, right: xs.max()!, bottom: ys.max()!)
        }
        let inner = Box(left: max(0, hull.left), top: max(0, hull.top), right: min(right, hull.right), bottom: min(bottom, hull.bottom))
        guard outline.isFinite, inner.left < inner.right, inner.top < inner.bottom else {
            placed.dropped += 1
            return nil
        }
        if isBeyond(hull) { placed.clipped += 1 }
        if case .box = outline { return .box(inner) }
        return outline
    }

    /// Puts a mask of the whole image or a part of it on the upright canvas, the larger value where there is one already.
    private func paste(
        _ values: [UInt8], _ mask: AnnotationMask, frame: Geometry.Frame, into canvas: inout [UInt8]?, _ placed: inout Placed
    ) {
        let source = frame == .stored ? storedSize : upright
        var whole: [UInt8]
        if let corner = mask.corner {
            whole = [UInt8](repeating: 0, count: source.pixels)
            var isCut = false
            for y in 0..<mask.size.height {
                for x in 0..<mask.size.width where values[y * mask.size.width + x] > 0 {
                    let (column, row) = (x + corner.left, y + corner.top)
                    if column >= 0, column < source.width, row >= 0, row < source.height {
                        whole[row * source.width + column] = values[y * mask.size.width + x]
                    } else {
                        isCut = true
                    }
                }
            }
            if isCut { placed.clipped += 1 }
        } else {
            whole = values
        }
        if frame == .stored, orientation != .up {
            let geometry = Geometry(source: upright, orientation: orientation, output: upright)
            whole = geometry.apply(toMap: whole, frame: .stored).values
        }
        if var old = canvas {
            for i in old.indices { old[i] = max(old[i], whole[i]) }
            canvas = old
        } else {
            canvas = whole
        }
    }
}

extension Outline {
    /// Whether every coordinate is a number that an image may have, so that drawing cannot overflow.
    var isReasonable: Bool {
        func isReasonable(_ value: Double) -> Bool { abs(value) <= 1e7 }
        return switch self {
        case .box(let box): [box.left, box.top, box.right, box.bottom].allSatisfy(isReasonable)
        case .polygon(let corners): corners.allSatisfy { isReasonable($0.x) && isReasonable($0.y) }
        }
    }
}
