/// Convolution as matrix products by OpenBLAS, of a block of an image's rows at a time.
struct BLASForward: ConvolutionPass {
    private let shape: ConvolutionShape
    private let patches: Patches

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        patches = Patches(shape)
    }

    var filterCount: Int { shape.filterCount }

    var workspaceCount: Int { patches.imageCount + patches.count }

    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        prepared.update(from: filter, count: filterCount)
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        let (accumulates, rest) = epilogue.splitAccumulation(in: output)
        let channels = shape.outputChannels
        for image in 0..<batch {
            let source = patches.padded.prepare(input + image * shape.inputCount, images: 1, workspace: workspace)
            patches.forEachBlock { first, count in
                let matrix = patches.matrix(of: source, first: first, count: count, into: workspace + patches.imageCount)
                let pixels = count * shape.outputWidth
                let offset = image * shape.outputCount + first * shape.outputWidth * channels
                GEMM.multiply(
                    matrix, prepared, into: output + offset, m: pixels, n: channels, k: patches.length, beta: accumulates ? 1 : 0)
                rest.write(output + offset, pixels: pixels, channels: channels, to: output, offset: offset)
            }
        }
    }
}

/// The gradient with respect to the input as matrix products by OpenBLAS: those of 1 × 1 filters are the gradient itself,
/// others are added up where patches overlap.
struct BLASInputGradient: ConvolutionPass {
    private let shape: ConvolutionShape
    private let patches: Patches

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        patches = Patches(shape)
    }

    var filterCount: Int { shape.filterCount }

    var workspaceCount: Int { shape.isPointwise ? 0 : patches.padded.imageCount + patches.count }

    /// OpenBLAS transposes the filter as it goes.
    func prepare(_ filter: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        prepared.update(from: filter, count: filterCount)
    }

    func run(
        _ input: UnsafePointer<Float>, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, batch: Int,
        epilogue: Epilogue, workspace: UnsafeMutablePointer<Float>
    ) {
        for image in 0..<batch {
            if shape.isPointwise {
                multiply(input, image, prepared, output, epilogue)
            } else {
                addUp(input, image, prepared, workspace)
                writeSums(workspace, image, to: output, epilogue)
            }
        }
    }

    private func multiply(
        _ input: UnsafePointer<Float>, _ image: Int, _ filter: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
        _ epilogue: Epilogue
    ) {
        let (accumulates, rest) = epilogue.splitAccumulation(in: output)
        let channels = shape.inputChannels
        patches.forEachBlock { first, count in
            let pixels = count * shape.width
            let offset = image * shape.inputCount + first * shape.width * channels
            GEMM.multiply(
                input + image * shape.outputCount + first * shape.outputWidth * shape.outputChannels, filter, into: output + offset,
                m: pixels, n: channels, k: shape.outputChannels, transposeB: true, beta: accumulates ? 1 : 0)
            rest.write(output + offset, pixels: pixels, channels: channels, to: output, offset: offset)
        }
    }

    /// The sums of one image with its zeros, at the start of `workspace`.
    private func addUp(
        _ input: UnsafePointer<Float>, _ image: Int, _ filter: UnsafePointer<Float>, _ workspace: UnsafeMutablePointer<Float>
    ) {
        let products = workspace + patches.padded.imageCount
        workspace.update(repeating: 0, count: patches.padded.imageCount)
        patches.forEachBlock { first, count in
            GEMM.multiply(
                input + image * shape.outputCount + first * shape.outputWidth * shape.outputChannels, filter, into: products,
                m: count * shape.outputWidth, n: patches.length, k: shape.outputChannels, transposeB: true)
            patches.add(products, first: first, count: count, to: workspace)
        }
    }

    /// Writes the sums without their margins.
    private func writeSums(_ sums: UnsafePointer<Float>, _ image: Int, to output: UnsafeMutablePointer<Float>, _ epilogue: Epilogue) {
        let (padded, channels) = (patches.padded, shape.inputChannels)
        for y in 0..<shape.height {
            epilogue.write(
                sums + ((y + padded.top) * padded.width + padded.left) * channels, pixels: shape.width, channels: channels, to: output,
                offset: image * shape.inputCount + y * shape.width * channels)
        }
    }
}

/// The gradient with respect to the filter as matrix products by OpenBLAS, added up image by image in their order.
struct BLASFilterGradient: FilterGradientPass {
    private let shape: ConvolutionShape
    private let patches: Patches

    init(_ shape: ConvolutionShape) {
        self.shape = shape
        patches = Patches(shape)
    }

    var workspaceCount: Int { patches.imageCount + patches.count }

    func run(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, filterGradient: UnsafeMutablePointer<Float>,
        batch: Int, workspace: UnsafeMutablePointer<Float>
    ) {
        filterGradient.update(repeating: 0, count: shape.filterCount)
        for image in 0..<batch {
            let source = patches.padded.prepare(input + image * shape.inputCount, images: 1, workspace: workspace)
            patches.forEachBlock { first, count in
                let matrix = patches.matrix(of: source, first: first, count: count, into: workspace + patches.imageCount)
                GEMM.multiply(
                    matrix, outputGradient + image * shape.outputCount + first * shape.outputWidth * shape.outputChannels,
                    into: filterGradient, m: patches.length, n: shape.outputChannels, k: count * shape.outputWidth, transposeA: true,
                    beta: 1)
            }
        }
    }
}

extension Epilogue {
    /// Whether a product may add to what `result` holds already, and what is left to do then.
    fileprivate func splitAccumulation(in result: UnsafeMutablePointer<Float>) -> (accumulates: Bool, rest: Epilogue) {
        guard addend == UnsafePointer(result) else { return (false, self) }
        return (true, Epilogue(bias: bias, relu: relu, gate: gate))
    }

    /// Writes pixels of `channels` values, which lie at `source` as they will in `result` from `offset` on; `source` may be there.
    fileprivate func write(
        _ source: UnsafePointer<Float>, pixels: Int, channels: Int, to result: UnsafeMutablePointer<Float>, offset: Int
    ) {
        guard !isEmpty else {
            if source != UnsafePointer(result + offset) { (result + offset).update(from: source, count: pixels * channels) }
            return
        }
        for pixel in 0..<pixels {
            let (from, start) = (source + pixel * channels, offset + pixel * channels)
            for channel in stride(from: 0, to: channels, by: lanes) {
                let (used, to) = (min(lanes, channels - channel), start + channel)
                if used == lanes {
                    store(apply(load(from + channel), channel: channel, offset: to), to: result + to)
                } else {
                    let value = apply(load(from + channel, count: used), channel: channel, offset: to, count: used)
                    store(value, to: result + to, count: used)
                }
            }
        }
    }
}
