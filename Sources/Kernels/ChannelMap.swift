/// A function of each value of [rows, channels] whose coefficients depend on the channel.
///
/// `apply` walks the values as one array: vectors of 16 meet the same channels again after `lcm(channels, 64)` values, so
/// any number of channels runs in whole vectors, with the coefficients of four of them in registers.
protocol ChannelMap {
    associatedtype Coefficients

    /// The coefficients of the sixteen values from one of channel `first` on.
    func coefficients(_ lanes: ChannelLanes) -> Coefficients

    /// The results of the `count` ≤ 16 values at `offset`.
    func value(at offset: Int, _ coefficients: Coefficients, count: Int) -> Vector
}

extension ChannelMap {
    /// Writes the results of all values. `output` may be any input: a vector is read before it is written.
    @inline(__always)
    func apply(rows: Int, channels: Int, output: UnsafeMutablePointer<Float>) {
        let count = rows * channels
        let groups = count / 64
        let period = channels / greatestCommonDivisor(channels, 64)
        // What one round over the phases touches stays in the second-level cache, while coefficients are used often.
        let block = 64 * period
        for start in stride(from: 0, to: groups, by: block) {
            let end = min(start + block, groups)
            for first in start..<min(start + period, end) {
                let a = coefficients(ChannelLanes(offset: first * 64, channels: channels))
                let b = coefficients(ChannelLanes(offset: first * 64 + 16, channels: channels))
                let c = coefficients(ChannelLanes(offset: first * 64 + 32, channels: channels))
                let d = coefficients(ChannelLanes(offset: first * 64 + 48, channels: channels))
                var group = first
                while group < end {
                    let offset = group * 64
                    store(value(at: offset, a, count: lanes), to: output + offset)
                    store(value(at: offset + 16, b, count: lanes), to: output + offset + 16)
                    store(value(at: offset + 32, c, count: lanes), to: output + offset + 32)
                    store(value(at: offset + 48, d, count: lanes), to: output + offset + 48)
                    group += period
                }
            }
        }
        for offset in stride(from: groups * 64, to: count, by: lanes) {
            let used = min(lanes, count - offset)
            let result = value(at: offset, coefficients(ChannelLanes(offset: offset, channels: channels)), count: used)
            if used == lanes { store(result, to: output + offset) } else { store(result, to: output + offset, count: used) }
        }
    }
}

/// Which channels sixteen consecutive values of [rows, channels] belong to.
struct ChannelLanes {
    /// The channel of the first value.
    let first: Int
    let channels: Int

    @inline(__always)
    init(offset: Int, channels: Int) {
        first = offset % channels
        self.channels = channels
    }

    /// The sixteen values' entries of a per-channel array.
    @inline(__always)
    func callAsFunction(_ values: UnsafePointer<Float>) -> Vector {
        first + lanes <= channels ? load(values + first) : gather(values)
    }

    @inline(never)
    private func gather(_ values: UnsafePointer<Float>) -> Vector {
        var vector = Vector()
        var channel = first
        for lane in 0..<lanes {
            vector[lane] = values[channel]
            channel = channel + 1 == channels ? 0 : channel + 1
        }
        return vector
    }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }

/// `v`, but 0 where `gate` is not positive (or not a number).
@inline(__always)
func gated(_ v: Vector, by gate: Vector) -> Vector { Vector().replacing(with: v, where: gate .> Vector()) }
