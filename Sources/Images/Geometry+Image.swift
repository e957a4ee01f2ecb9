extension Geometry {
    /// The image in its new place. Resizing is bilinear and antialiased, within one grey level of Pillow's `Image.resize` with
    /// BILINEAR, and the same bits on every machine; where the scale is 1, pixels are copied.
    ///
    /// - Parameters:
    ///   - image: of size `source`, or that divided by `denominator` and rounded up.
    ///   - frame: whether the image is still as stored.
    ///   - denominator: as `DecodedImage.denominator`.
    /// - Complexity: O(source pixels of the box · output width / box width + output pixels), times the reduction.
    package func apply(to image: Image, frame: Frame = .upright, denominator: Int = 1) -> Image {
        let upright = frame == .stored && orientation != .up ? image.upright(orientation) : image
        precondition(
            upright.size == PixelSize(width: (source.width + denominator - 1) / denominator, height: (source.height + denominator - 1) / denominator),
            "an image of \(upright.size) where \(source) / \(denominator) is expected")
        let count = output.pixels * image.channels.rawValue
        let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            upright.pixels.withUnsafeBufferPointer { pixels in
                write(pixels.baseAddress!, size: upright.size, channels: image.channels.rawValue, denominator: denominator, to: target.baseAddress!)
            }
            initialized = count
        }
        return Image(size: output, channels: image.channels, pixels: pixels)
    }

    /// `apply(to:frame:denominator:)` from and to memory of the caller: an upright image of `size`, H×W×C, into
    /// `output.pixels * channels` bytes.
    package func write(
        _ pixels: UnsafePointer<UInt8>, size: PixelSize, channels: Int, denominator: Int = 1, to target: UnsafeMutablePointer<UInt8>
    ) {
        target.update(repeating: 0, count: output.pixels * channels)
        let columns = columns.clamped(to: 0..<resized.width)
        let rows = rows.clamped(to: 0..<resized.height)
        guard !columns.isEmpty, !rows.isEmpty else { return }
        let scale = 1 / Double(denominator)
        // A reduced image may end a little before the box does.
        let horizontal = ResamplingWeights.triangle(
            sourceCount: size.width, from: box.left * scale, to: box.right * scale, targetCount: resized.width, window: columns)
        let vertical = ResamplingWeights.triangle(
            sourceCount: size.height, from: box.top * scale, to: box.bottom * scale, targetCount: resized.height, window: rows)
        let sourceRows = vertical.sources
        // Along x first, into rows of the output's width; then along y.
        let width = columns.count * channels
        let rowsOfSource = BilinearPass.alongRows(
            pixels + sourceRows.lowerBound * size.width * channels, rows: sourceRows.count, width: size.width, channels: channels, horizontal)
        let part = BilinearPass.alongColumns(rowsOfSource, width: width, firstRow: sourceRows.lowerBound, vertical)
        part.withUnsafeBufferPointer { part in
            for (y, row) in rows.enumerated() {
                let line = target + (row - rowOffset) * output.width * channels
                let source = part.baseAddress! + y * width
                let start = columns.lowerBound - columnOffset
                if !flipped {
                    (line + start * channels).update(from: source, count: width)
                } else {
                    for x in 0..<columns.count {
                        let place = line + (output.width - 1 - start - x) * channels
                        for c in 0..<channels { place[c] = source[x * channels + c] }
                    }
                }
            }
        }
    }
}

/// The two passes of bilinear resizing on 8-bit values, in whole numbers.
private enum BilinearPass {
    private static let half = Int32(1) << Int32(ResamplingWeights.bilinearBits - 1)

    @inline(__always)
    private static func value(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(255, max(0, sum >> Int32(ResamplingWeights.bilinearBits))))
    }

    /// `rows` rows of `width` pixels to as many rows of `weights.first.count` pixels.
    static func alongRows(_ source: UnsafePointer<UInt8>, rows: Int, width: Int, channels: Int, _ weights: ResamplingWeights) -> [UInt8] {
        let targets = weights.first.count
        let count = rows * targets * channels
        return [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            let output = output.baseAddress!
            weights.weights.withUnsafeBufferPointer { factors in
                for x in 0..<targets {
                    let factor = factors.baseAddress! + x * weights.stride
                    let (first, taps) = (weights.first[x], weights.counts[x])
                    for y in 0..<rows {
                        let from = source + (y &* width &+ first) &* channels
                        let to = output + (y &* targets &+ x) &* channels
                        if channels == 3 {
                            var (a, b, c) = (half, half, half)
                            for i in 0..<taps {
                                a &+= Int32(from[3 &* i]) &* factor[i]
                                b &+= Int32(from[3 &* i &+ 1]) &* factor[i]
                                c &+= Int32(from[3 &* i &+ 2]) &* factor[i]
                            }
                            (to[0], to[1], to[2]) = (value(a), value(b), value(c))
                        } else {
                            var sum = half
                            for i in 0..<taps { sum &+= Int32(from[i]) &* factor[i] }
                            to[0] = value(sum)
                        }
                    }
                }
            }
            initialized = count
        }
    }

    /// Rows `firstRow…` of `width` values each to `weights.first.count` rows.
    static func alongColumns(_ source: [UInt8], width: Int, firstRow: Int, _ weights: ResamplingWeights) -> [UInt8] {
        let targets = weights.first.count
        var sums = [Int32](repeating: 0, count: width)
        return [UInt8](unsafeUninitializedCapacity: targets * width) { output, initialized in
            source.withUnsafeBufferPointer { source in
                sums.withUnsafeMutableBufferPointer { sums in
                    for y in 0..<targets {
                        for x in 0..<width { sums[x] = half }
                        for i in 0..<weights.counts[y] {
                            let factor = weights.weights[y * weights.stride + i]
                            let row = source.baseAddress! + (weights.first[y] - firstRow + i) * width
                            for x in 0..<width { sums[x] &+= Int32(row[x]) &* factor }
                        }
                        let line = output.baseAddress! + y * width
                        for x in 0..<width { line[x] = value(sums[x]) }
                    }
                }
            }
            initialized = targets * width
        }
    }
}
