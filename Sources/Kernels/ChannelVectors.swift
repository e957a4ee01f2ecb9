/// How the kernels that work channel by channel walk over [rows, channels] with vectors of 16.
///
/// Where the channels are fewer than 16 and divide it, several rows make one vector and the per-channel values are
/// repeated to fit; else a row's last channels, if they do not fill a vector, are done one by one.
struct ChannelVectors {
    /// Values per row as walked: `channels`, or 16.
    let width: Int
    /// Rows as walked, all but the rest.
    let rows: Int
    /// Channels in whole vectors.
    let vectorWidth: Int
    /// Values after the last whole row as walked.
    let rest: Range<Int>
    let channels: Int

    init(rows: Int, channels: Int) {
        self.channels = channels
        if channels < 16, 16 % channels == 0 {
            width = 16
            vectorWidth = 16
            self.rows = rows * channels / 16
            rest = self.rows * 16..<rows * channels
        } else {
            width = channels
            vectorWidth = channels & ~15
            self.rows = rows
            rest = rows * channels..<rows * channels
        }
    }

    /// Repeats per-channel values to the width walked.
    func widen(_ values: UnsafePointer<Float>, into wide: UnsafeMutablePointer<Float>) {
        for i in 0..<width { wide[i] = values[i % channels] }
    }
}

extension UnsafePointer<Float> {
    @inline(__always)
    func vector(_ offset: Int) -> Vector {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Vector.self)
    }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    func vector(_ offset: Int) -> Vector {
        UnsafeRawPointer(self + offset).loadUnaligned(as: Vector.self)
    }

    @inline(__always)
    func store(_ value: Vector, _ offset: Int) {
        UnsafeMutableRawPointer(self + offset).storeBytes(of: value, as: Vector.self)
    }
}

/// Runs `body` with scratch of `count` floats, on the stack where that is small.
@inline(__always)
func withScratch<R>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: max(count, 1) * 4, alignment: 64) {
        body($0.baseAddress!.assumingMemoryBound(to: Float.self))
    }
}
