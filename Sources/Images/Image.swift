import Diagnostics

/// Width and height in pixels.
package struct PixelSize: Sendable, Hashable, CustomStringConvertible {
    package let width: Int
    package let height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    package var pixels: Int { width.multipliedReportingOverflow(by: height).overflow ? .max : width * height }
    /// Width × height, as people write image sizes.
    package var description: String { "\(width)×\(height)" }
    package var transposed: PixelSize { PixelSize(width: height, height: width) }
}

/// What to decode to.
package enum Channels: Int, Sendable, Hashable {
    /// Luma (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B) where a file holds colour.
    case grey = 1
    /// R, G, B; three equal channels where a file holds grey.
    case colour = 3
}

/// 8-bit pixels in memory, height × width × channels, rows from top to bottom, without gaps.
package struct Image: Sendable, Hashable {
    package let size: PixelSize
    package let channels: Channels
    /// `size.height * size.width * channels.rawValue` values, 0 to 255.
    package internal(set) var pixels: [UInt8]

    package init(size: PixelSize, channels: Channels, pixels: [UInt8]) {
        precondition(pixels.count == size.pixels * channels.rawValue, "pixels do not match the size")
        self.size = size
        self.channels = channels
        self.pixels = pixels
    }
}
