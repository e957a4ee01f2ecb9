/// The geometry of pooling over NHWC images.
package struct PoolingShape: Hashable, Sendable {
    /// Input height and width.
    package var height: Int
    package var width: Int
    package var channels: Int
    /// Side of the square window.
    package var kernel: Int
    package var stride: Int
    /// Places added on every side; they never win a maximum and count as zeros in an average.
    package var padding: Int

    package init(height: Int, width: Int, channels: Int, kernel: Int, stride: Int, padding: Int) {
        self.height = height
        self.width = width
        self.channels = channels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    package var outputHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    package var outputWidth: Int { (width + 2 * padding - kernel) / stride + 1 }
}
