import CInstructionSet

/// Eight results times up to 32 of their channels.
enum DirectTile {
    static let rows = 8
    /// Values of a tile.
    static let count = 8 * 2 * lanes

    /// Where each result's values in the source begin.
    typealias Sources = InlineArray<8, UnsafePointer<Float>>
    /// Where each result lies in the output.
    typealias Targets = InlineArray<8, Int>

    /// Sums the products of eight results, to [8, 16 · blocks] values at `tile`.
    ///
    /// - Parameters:
    ///   - runs: contiguous stretches of `runLength` source values, `pitch` apart.
    ///   - panel: [runs · runLength, 16 · blocks].
    ///   - blocks: 1 or 2 channel blocks.
    @inline(__always)
    static func multiply(
        _ sources: Sources, runs: Int, runLength: Int, pitch: Int, _ panel: UnsafePointer<Float>, blocks: Int,
        to tile: UnsafeMutablePointer<Float>
    ) {
        let step = blocks * lanes
        if !hasWideRegisters {
            for n in 0..<blocks {
                let (from, to) = (panel + n * lanes, tile + n * lanes)
                multiply4x1(sources, 0, runs, runLength, pitch, from, step, to)
                multiply4x1(sources, 4, runs, runLength, pitch, from, step, to + 4 * step)
            }
        } else if blocks == 2 {
            multiply8x2(sources, runs, runLength, pitch, panel, tile)
        } else {
            multiply8x1(sources, runs, runLength, pitch, panel, tile)
        }
    }

    /// Asks for the memory that `write` will touch, so that it comes while the tile is summed: of large maps it is seldom in cache.
    /// Worth 6 % of a ResNet-50 step at 224×224.
    @inline(__always)
    static func prefetch(
        count: Int, channel: Int, to output: UnsafeMutablePointer<Float>, _ targets: Targets, _ epilogue: Epilogue
    ) {
        for r in 0..<count {
            let first = targets[r] + channel
            for n in 0..<2 {
                let offset = first + n * lanes
                sipat_prefetch_to_write(output + offset)
                if let addend = epilogue.addend { sipat_prefetch(addend + offset) }
                if let gate = epilogue.gate { sipat_prefetch(gate + offset) }
            }
        }
    }

    /// Writes the first `count` results of a tile, whose first channel is `channel` of `channels`, through `epilogue`.
    @inline(never)
    static func write(
        _ tile: UnsafePointer<Float>, count: Int, blocks: Int, channel: Int, channels: Int,
        to output: UnsafeMutablePointer<Float>, _ targets: Targets, _ epilogue: Epilogue
    ) {
        for n in 0..<blocks {
            let first = channel + n * lanes
            let used = min(lanes, channels - first)
            if used < lanes {
                for r in 0..<count {
                    let offset = targets[r] + first
                    let value = load(tile + (r * blocks + n) * lanes)
                    let finished = epilogue.apply(value, channel: first, offset: offset, count: used)
                    store(finished, to: output + offset, count: used)
                }
            } else if epilogue.addend == nil, epilogue.gate == nil {
                // Nothing to look up for each result, as in the forward passes of most layers.
                let bias = epilogue.bias.map { load($0 + first) } ?? Vector()
                let least = Vector(repeating: epilogue.relu ? 0 : -.infinity)
                for r in 0..<count {
                    let value = load(tile + (r * blocks + n) * lanes) + bias
                    store(value.replacing(with: least, where: value .< least), to: output + targets[r] + first)
                }
            } else {
                for r in 0..<count {
                    let offset = targets[r] + first
                    let value = load(tile + (r * blocks + n) * lanes)
                    store(epilogue.apply(value, channel: first, offset: offset), to: output + offset)
                }
            }
        }
    }

    @inline(never)
    private static func multiply8x2(
        _ sources: Sources, _ runs: Int, _ runLength: Int, _ pitch: Int, _ panel: UnsafePointer<Float>,
        _ tile: UnsafeMutablePointer<Float>
    ) {
        sum(
            InlineArray<8, InlineArray<2, Vector>>(repeating: InlineArray(repeating: Vector())), sources, 0, runs,
            runLength, pitch, panel, 2 * lanes, tile)
    }

    @inline(never)
    private static func multiply8x1(
        _ sources: Sources, _ runs: Int, _ runLength: Int, _ pitch: Int, _ panel: UnsafePointer<Float>,
        _ tile: UnsafeMutablePointer<Float>
    ) {
        sum(
            InlineArray<8, InlineArray<1, Vector>>(repeating: InlineArray(repeating: Vector())), sources, 0, runs,
            runLength, pitch, panel, lanes, tile)
    }

    @inline(never)
    private static func multiply4x1(
        _ sources: Sources, _ first: Int, _ runs: Int, _ runLength: Int, _ pitch: Int, _ panel: UnsafePointer<Float>,
        _ step: Int, _ tile: UnsafeMutablePointer<Float>
    ) {
        sum(
            InlineArray<4, InlineArray<1, Vector>>(repeating: InlineArray(repeating: Vector())), sources, first, runs,
            runLength, pitch, panel, step, tile)
    }

    /// R results from `first` on times N channel blocks, where rows of the panel and of the tile are `step` values apart.
    ///
    /// The sums stay in registers while the taps run. They go to memory in one unrolled loop: indexed by a variable, they
    /// would live there.
    @inline(__always)
    private static func sum<let R: Int, let N: Int>(
        _ zero: InlineArray<R, InlineArray<N, Vector>>, _ sources: Sources, _ first: Int, _ runs: Int, _ runLength: Int,
        _ pitch: Int, _ panel: UnsafePointer<Float>, _ step: Int, _ tile: UnsafeMutablePointer<Float>
    ) {
        var sums = zero
        var rows = InlineArray<R, UnsafePointer<Float>>(repeating: sources[first])
        for r in 0..<R { rows[r] = sources[first + r] }
        var b = panel
        for run in 0..<runs {
            let start = run * pitch
            for k in start..<start + runLength {
                var right = InlineArray<N, Vector>(repeating: Vector())
                for n in 0..<N { right[n] = load(b + n * lanes) }
                for r in 0..<R {
                    let left = Vector(repeating: rows[r][k])
                    for n in 0..<N { sums[r][n] = sums[r][n].addingProduct(left, right[n]) }
                }
                b += step
            }
        }
        for r in 0..<R {
            for n in 0..<N { store(sums[r][n], to: tile + r * step + n * lanes) }
        }
    }
}
