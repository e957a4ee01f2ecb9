/// Convolution as matrix products over blocks of output pixels, whose patches are first copied side by side.
struct Im2col: Sendable {
    private let shape: ConvolutionShape
    /// Output pixels of a block; its patches take about half a level-2 cache.
    private let blockPixels: Int
    private let patchCount: Int

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        patchCount = shape.kernel * shape.kernel * shape.inputChannels
        let pixels = shape.outputHeight * shape.outputWidth
        blockPixels = max(1, min(pixels, max(32, 131_072 / patchCount)))
    }

    var workspaceCount: Int { blockPixels * patchCount + shape.inputCount }

    private var pixels: Int { shape.outputHeight * shape.outputWidth }

    func forward(
        _ input: UnsafePointer<Float>, filter: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.outputChannels
        for image in 0..<batch {
            let source = input + image * shape.inputCount
            var pixel = 0
            while pixel < pixels {
                let count = min(blockPixels, pixels - pixel)
                let offset = image * shape.outputCount + pixel * channels
                gather(source, from: pixel, count: count, into: workspace)
                // The result may be the epilogue's addend, so the product goes through scratch when there is one.
                if epilogue.addend == nil {
                    GEMM.multiply(workspace, filter, into: output + offset, m: count, n: channels, k: patchCount)
                    epilogue.advanced(by: offset).apply(
                        output + offset, into: output + offset, count: count * channels, channels: channels)
                } else {
                    accumulate(workspace, filter, output + offset, epilogue.advanced(by: offset), count)
                }
                pixel += count
            }
        }
    }

    private func accumulate(
        _ patches: UnsafePointer<Float>, _ filter: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ epilogue: Epilogue, _ count: Int
    ) {
        let channels = shape.outputChannels
        if let addend = epilogue.addend, addend != UnsafePointer(output) {
            output.update(from: addend, count: count * channels)
        }
        GEMM.multiply(patches, filter, into: output, m: count, n: channels, k: patchCount, beta: 1)
        var rest = epilogue
        rest.addend = nil
        rest.apply(output, into: output, count: count * channels, channels: channels)
    }

    func inputGradient(
        _ outputGradient: UnsafePointer<Float>, filter: UnsafePointer<Float>, inputGradient: UnsafeMutablePointer<Float>,
        batch: Int, epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let sum = workspace + blockPixels * patchCount
        for image in 0..<batch {
            sum.update(repeating: 0, count: shape.inputCount)
            var pixel = 0
            while pixel < pixels {
                let count = min(blockPixels, pixels - pixel)
                let gradient = outputGradient + image * shape.outputCount + pixel * shape.outputChannels
                GEMM.multiply(
                    gradient, filter, into: workspace, m: count, n: patchCount, k: shape.outputChannels, transposeB: true)
                scatter(workspace, from: pixel, count: count, into: sum)
                pixel += count
            }
            let offset = image * shape.inputCount
            epilogue.advanced(by: offset).apply(
                sum, into: inputGradient + offset, count: shape.inputCount, channels: shape.inputChannels)
        }
    }

    func filterGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        filterGradient.update(repeating: 0, count: shape.filterCount)
        for image in 0..<batch {
            var pixel = 0
            while pixel < pixels {
                let count = min(blockPixels, pixels - pixel)
                gather(input + image * shape.inputCount, from: pixel, count: count, into: workspace)
                GEMM.multiply(
                    workspace, outputGradient + image * shape.outputCount + pixel * shape.outputChannels,
                    into: filterGradient, m: patchCount, n: shape.outputChannels, k: count, transposeA: true, beta: 1)
                pixel += count
            }
        }
    }

    /// Copies the patches of output pixels `from ..< from + count` of one image to the rows of `patches`.
    private func gather(
        _ image: UnsafePointer<Float>, from first: Int, count: Int, into patches: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        var target = patches
        for pixel in first..<first + count {
            let top = pixel / shape.outputWidth * shape.stride - shape.padding
            let left = pixel % shape.outputWidth * shape.stride - shape.padding
            for y in top..<top + shape.kernel {
                for x in left..<left + shape.kernel {
                    if y >= 0, y < shape.height, x >= 0, x < shape.width {
                        target.update(from: image + (y * shape.width + x) * channels, count: channels)
                    } else {
                        target.update(repeating: 0, count: channels)
                    }
                    target += channels
                }
            }
        }
    }

    /// Adds the rows of `patches` to the places of one image they were gathered from.
    private func scatter(
        _ patches: UnsafePointer<Float>, from first: Int, count: Int, into image: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        var source = patches
        for pixel in first..<first + count {
            let top = pixel / shape.outputWidth * shape.stride - shape.padding
            let left = pixel % shape.outputWidth * shape.stride - shape.padding
            for y in top..<top + shape.kernel {
                for x in left..<left + shape.kernel {
                    if y >= 0, y < shape.height, x >= 0, x < shape.width {
                        let target = image + (y * shape.width + x) * channels
                        for c in 0..<channels { target[c] += source[c] }
                    }
                    source += channels
                }
            }
        }
    }
}
