/// Values [rows, channels] side by side, row by row. Bound by memory; nothing is allocated.
package enum ChannelConcatenation {
    /// Writes [rows, first + second] from [rows, first] and [rows, second].
    package static func join(
        _ a: UnsafePointer<Float>, channels first: Int, _ b: UnsafePointer<Float>, channels second: Int, rows: Int,
        output: UnsafeMutablePointer<Float>
    ) {
        var (a, b, output) = (a, b, output)
        for _ in 0..<rows {
            output.update(from: a, count: first)
            (output + first).update(from: b, count: second)
            a += first
            b += second
            output += first + second
        }
    }

    /// Writes the `count` channels from `start` on of [rows, channels] as [rows, count].
    package static func part(
        _ x: UnsafePointer<Float>, channels: Int, start: Int, count: Int, rows: Int, output: UnsafeMutablePointer<Float>
    ) {
        var (x, output) = (x + start, output)
        for _ in 0..<rows {
            output.update(from: x, count: count)
            x += channels
            output += count
        }
    }
}
