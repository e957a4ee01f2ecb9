/// The geometry of a square two-dimensional convolution over NHWC images.
package struct ConvolutionShape: Hashable, Sendable {
    /// Input height and width.
    package var height: Int
    package var width: Int
    package var inputChannels: Int
    package var outputChannels: Int
    /// Side of the square filter: 1, 3 and 7 are what the models use; any positive size is allowed.
    package var kernel: Int
    package var stride: Int
    /// Zeros added on every side.
    package var padding: Int

    package init(
        height: Int, width: Int, inputChannels: Int, outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0
    ) {
        self.height = height
        self.width = width
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    package var outputHeight: Int { (height + 2 * padding - kernel) / stride + 1 }
    package var outputWidth: Int { (width + 2 * padding - kernel) / stride + 1 }

    /// Values of one input image, [height, width, inputChannels].
    package var inputCount: Int { height * width * inputChannels }
    /// Values of one output image, [outputHeight, outputWidth, outputChannels].
    package var outputCount: Int { outputHeight * outputWidth * outputChannels }
    /// Values of the filter, [kernel, kernel, inputChannels, outputChannels] (HWIO).
    package var filterCount: Int { kernel * kernel * inputChannels * outputChannels }

    /// Multiplications and additions a direct convolution would need for one image.
    package var flops: Int { 2 * outputHeight * outputWidth * filterCount }

    /// One input image.
    package var input: ImageShape { ImageShape(height: height, width: width, channels: inputChannels) }
    /// One output image.
    package var output: ImageShape { ImageShape(height: outputHeight, width: outputWidth, channels: outputChannels) }
}
