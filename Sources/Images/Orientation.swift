/// How the stored pixels must be turned to be upright: the values of EXIF's tag 0x0112 (EXIF 2.32, 4.6.4 A).
package enum Orientation: Int, Sendable, Hashable, CaseIterable {
    case up = 1
    case mirrored = 2
    case halfTurn = 3
    case mirroredHalfTurn = 4
    /// Mirrored along the main diagonal: rows become columns.
    case transposed = 5
    /// Stored so that it must be turned a quarter clockwise.
    case quarterTurn = 6
    case antiTransposed = 7
    /// Stored so that it must be turned a quarter counter-clockwise.
    case quarterTurnBack = 8

    /// Values that EXIF does not define (0, 9 and more are met in the wild) count as upright.
    package init(exif value: Int) { self = Orientation(rawValue: value) ?? .up }

    /// Whether width and height change places.
    package var swapsSides: Bool { rawValue >= 5 }

    /// Size of the upright image.
    package func size(of stored: PixelSize) -> PixelSize { swapsSides ? stored.transposed : stored }

    /// Where a point of the stored image, in pixels from its top left corner, is in the upright one.
    package func upright(_ point: Point, stored: PixelSize) -> Point {
        let (x, y) = (point.x, point.y)
        let (right, bottom) = (Double(stored.width) - x, Double(stored.height) - y)
        return switch self {
        case .up: point
        case .mirrored: Point(x: right, y: y)
        case .halfTurn: Point(x: right, y: bottom)
        case .mirroredHalfTurn: Point(x: x, y: bottom)
        case .transposed: Point(x: y, y: x)
        case .quarterTurn: Point(x: bottom, y: x)
        case .antiTransposed: Point(x: bottom, y: right)
        case .quarterTurnBack: Point(x: y, y: right)
        }
    }

    /// Turns pixels of `channels` values each. O(pixels).
    func upright(_ pixels: [UInt8], stored: PixelSize, channels: Int) -> [UInt8] {
        guard self != .up, stored.pixels > 0 else { return pixels }
        let (width, height) = (stored.width, stored.height)
        // The place of stored pixel (0, 0), and the steps to its neighbours, among the upright pixels.
        let (first, across, down): (Int, Int, Int) =
            switch self {
            case .up: (0, 1, width)
            case .mirrored: (width - 1, -1, width)
            case .halfTurn: (width * height - 1, -1, -width)
            case .mirroredHalfTurn: (width * (height - 1), 1, -width)
            case .transposed: (0, height, 1)
            case .quarterTurn: (height - 1, height, -1)
            case .antiTransposed: (width * height - 1, -height, -1)
            case .quarterTurnBack: (height * (width - 1), -height, 1)
            }
        return [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
            for y in 0..<height {
                for x in 0..<width {
                    let target = (first &+ x &* across &+ y &* down) &* channels
                    let source = (y &* width &+ x) &* channels
                    for c in 0..<channels { output[target &+ c] = pixels[source &+ c] }
                }
            }
            count = pixels.count
        }
    }
}

extension Image {
    /// This image upright.
    package func upright(_ orientation: Orientation) -> Image {
        Image(
            size: orientation.size(of: size), channels: channels,
            pixels: orientation.upright(pixels, stored: size, channels: channels.rawValue))
    }
}
