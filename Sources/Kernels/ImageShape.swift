/// The size of one image: `height` × `width` × `channels` float32 values, channels innermost (HWC).
///
/// A batch of `n` images lies as NHWC: `n · count` values.
package struct ImageShape: Hashable, Sendable, CustomStringConvertible {
    package var height: Int
    package var width: Int
    package var channels: Int

    package init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// Values in one image.
    package var count: Int { height * width * channels }

    /// Pixels in one image, and values in its salience map.
    package var pixels: Int { height * width }

    package var description: String { "\(height)×\(width)×\(channels)" }
}
