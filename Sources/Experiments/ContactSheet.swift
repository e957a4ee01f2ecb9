import Datasets
import Images
import Kernels
import Salience

/// A picture to judge maps by: some images of each class, each beside its map and beside what the map protects.
///
/// Classes follow each other in rows of at most four images; a row's image is three tiles: the image; the map, black to white;
/// and the protected pixels, the others faded to grey. A frame tells images without a map: grey, nobody looked; blue, somebody
/// found nothing.
package struct ContactSheet {
    /// One line per row, for beside the picture.
    package private(set) var legend: [String] = []
    private let dataset: any ImageSource
    private let threshold: Float
    private let rows: [(label: Int, images: [Int])]

    private static let perRow = 4
    private static let gap = 6
    private static let tile = 96

    /// - Parameters:
    ///   - dataset: images with maps.
    ///   - images: how many to show, as evenly over the classes as there are.
    ///   - threshold: of the binary mask.
    package init(_ dataset: any ImageSource, images: Int, seed: UInt64, threshold: Float) throws {
        self.dataset = dataset
        self.threshold = threshold
        let order = Philox(seed: seed, purpose: .sheet).permutation(dataset.count)
        var members = [[Int]](repeating: [], count: dataset.classes)
        for index in order { members[Int(dataset.labels[index])].append(index) }
        var chosen = [[Int]](repeating: [], count: dataset.classes)
        var (count, round) = (0, 0)
        while count < min(images, dataset.count) {
            for label in members.indices where round < members[label].count && count < images {
                chosen[label].append(members[label][round])
                count += 1
            }
            round += 1
        }
        rows = chosen.enumerated().flatMap { label, images in
            stride(from: 0, to: images.count, by: Self.perRow).map { (label, Array(images[$0..<min($0 + Self.perRow, images.count)])) }
        }
        let names = try dataset.names()
        legend = rows.map { row in "\(dataset.classNames[row.label]): \(row.images.map { names[$0] }.joined(separator: ", "))" }
    }

    /// The picture, in colour.
    package func image() throws -> Image {
        let shape = dataset.imageShape
        let factor = max(1, (Self.tile + max(shape.height, shape.width) - 1) / max(shape.height, shape.width))
        let cell = PixelSize(width: shape.width * factor, height: shape.height * factor)
        let widest = rows.map(\.images.count).max() ?? 1
        let pitch = PixelSize(width: 3 * cell.width + 2 + 3 * Self.gap, height: cell.height + 2 * Self.gap)
        var canvas = Canvas(PixelSize(width: widest * pitch.width + Self.gap, height: rows.count * pitch.height + Self.gap))
        var values = [Float](repeating: 0, count: shape.count)
        var map = [Float](repeating: 0, count: shape.pixels)
        for (row, part) in rows.enumerated() {
            for (column, index) in part.images.enumerated() {
                try dataset.read(index, values: &values)
                let hasMap = try dataset.readFittedMap(index, into: &map)
                if !hasMap { map.withUnsafeMutableBufferPointer { $0.update(repeating: 0) } }
                let (left, top) = (Self.gap + column * pitch.width, Self.gap + row * pitch.height)
                let frame: SIMD3<UInt8>? =
                    switch dataset.salienceState(of: index) {
                    case .map: nil
                    case .unseen: SIMD3(150, 150, 150)
                    case .empty: SIMD3(60, 110, 230)
                    }
                if let frame { canvas.fill(left - 3, top - 3, 3 * cell.width + 8, cell.height + 6, frame) }
                for y in 0..<shape.height {
                    for x in 0..<shape.width {
                        let pixel = y * shape.width + x
                        let colour = colour(values, pixel, shape.channels)
                        let shade = UInt8((map[pixel] * 255).rounded())
                        let isProtected = hasMap && 1 - map[pixel] < threshold
                        let grey = (Float(colour[0]) + Float(colour[1]) + Float(colour[2])) / 3
                        let faded = isProtected ? colour : SIMD3(repeating: UInt8(205 + grey * 0.15))
                        for (tile, colour) in [colour, SIMD3(repeating: shade), faded].enumerated() {
                            canvas.fill(left + tile * (cell.width + 1) + x * factor, top + y * factor, factor, factor, colour)
                        }
                    }
                }
            }
        }
        return Image(size: canvas.size, channels: .colour, pixels: canvas.pixels)
    }

    private func colour(_ values: [Float], _ pixel: Int, _ channels: Int) -> SIMD3<UInt8> {
        func byte(_ channel: Int) -> UInt8 { UInt8((values[pixel * channels + channel] * 255).rounded()) }
        return channels == 3 ? SIMD3(byte(0), byte(1), byte(2)) : SIMD3(repeating: byte(0))
    }
}

/// White paper.
private struct Canvas {
    let size: PixelSize
    var pixels: [UInt8]

    init(_ size: PixelSize) {
        self.size = size
        pixels = [UInt8](repeating: 255, count: 3 * size.pixels)
    }

    /// A rectangle of one colour; what lies outside is left out.
    mutating func fill(_ left: Int, _ top: Int, _ width: Int, _ height: Int, _ colour: SIMD3<UInt8>) {
        for y in max(0, top)..<min(size.height, top + height) {
            for x in max(0, left)..<min(size.width, left + width) {
                let place = 3 * (y * size.width + x)
                for channel in 0..<3 { pixels[place + channel] = colour[channel] }
            }
        }
    }
}
