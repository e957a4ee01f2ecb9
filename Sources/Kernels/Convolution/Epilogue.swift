/// What a convolution does to its result while it still has it in registers, in this order:
/// `+ bias[channel]`, `+ addend[i]`, `max(0, ·)`, and zero where `gate[i] ≤ 0`.
///
/// `addend` and `gate` have the layout of the result. `addend` may be the result's own memory, which accumulates.
package struct Epilogue {
    /// One value per channel of the result.
    package var bias: UnsafePointer<Float>?
    package var addend: UnsafePointer<Float>?
    package var relu: Bool
    /// The activation behind a ReLU, whose derivative the result is multiplied by.
    package var gate: UnsafePointer<Float>?

    package init(
        bias: UnsafePointer<Float>? = nil, addend: UnsafePointer<Float>? = nil, relu: Bool = false,
        gate: UnsafePointer<Float>? = nil
    ) {
        self.bias = bias
        self.addend = addend
        self.relu = relu
        self.gate = gate
    }

    /// Whether it leaves values as they are.
    var isEmpty: Bool { bias == nil && addend == nil && !relu && gate == nil }

    /// Whether all it does is add to what `result` holds already.
    func onlyAccumulates(in result: UnsafeMutablePointer<Float>) -> Bool {
        addend == UnsafePointer(result) && bias == nil && !relu && gate == nil
    }

    /// The same epilogue for a part of the result that starts `count` values further on, at channel 0.
    func advanced(by count: Int) -> Epilogue {
        Epilogue(bias: bias, addend: addend.map { $0 + count }, relu: relu, gate: gate.map { $0 + count })
    }
}

extension Epilogue {
    /// The epilogue of sixteen values at `offset` of the result, of channels `channel ..< channel + 16`.
    @inline(__always)
    func apply(_ value: Vector, channel: Int, offset: Int) -> Vector {
        var value = value
        if let bias { value += load(bias + channel) }
        if let addend { value += load(addend + offset) }
        if relu { value = value.replacing(with: Vector(), where: value .< Vector()) }
        if let gate { value = value.replacing(with: Vector(), where: load(gate + offset) .<= Vector()) }
        return value
    }

    /// The same for the last `count` < 16 channels of the result.
    @inline(never)
    func apply(_ value: Vector, channel: Int, offset: Int, count: Int) -> Vector {
        var value = value
        if let bias { value += load(bias + channel, count: count) }
        if let addend { value += load(addend + offset, count: count) }
        if relu { value = value.replacing(with: Vector(), where: value .< Vector()) }
        if let gate { value = value.replacing(with: Vector(), where: load(gate + offset, count: count) .<= Vector()) }
        return value
    }

    /// Writes four pixels of sixteen channels, `step` values apart, the first at `offset` of the result.
    @inline(__always)
    func write(
        _ values: (Vector, Vector, Vector, Vector), channel: Int, to result: UnsafeMutablePointer<Float>, offset: Int,
        step: Int
    ) {
        var (a, b, c, d) = values
        if let bias {
            let value = load(bias + channel)
            (a, b, c, d) = (a + value, b + value, c + value, d + value)
        }
        if let addend {
            let from = addend + offset
            (a, b, c, d) = (a + load(from), b + load(from + step), c + load(from + 2 * step), d + load(from + 3 * step))
        }
        let zero = Vector()
        if relu {
            a = a.replacing(with: zero, where: a .< zero)
            b = b.replacing(with: zero, where: b .< zero)
            c = c.replacing(with: zero, where: c .< zero)
            d = d.replacing(with: zero, where: d .< zero)
        }
        if let gate {
            let from = gate + offset
            a = a.replacing(with: zero, where: load(from) .<= zero)
            b = b.replacing(with: zero, where: load(from + step) .<= zero)
            c = c.replacing(with: zero, where: load(from + 2 * step) .<= zero)
            d = d.replacing(with: zero, where: load(from + 3 * step) .<= zero)
        }
        let to = result + offset
        store(a, to: to)
        store(b, to: to + step)
        store(c, to: to + 2 * step)
        store(d, to: to + 3 * step)
    }

    /// Writes the first `columns` of four pixels, and the first `used` of their sixteen channels.
    @inline(__always)
    func write(
        _ values: (Vector, Vector, Vector, Vector), columns: Int, used: Int, channel: Int,
        to result: UnsafeMutablePointer<Float>, offset: Int, step: Int
    ) {
        if columns == 4, used == lanes {
            write(values, channel: channel, to: result, offset: offset, step: step)
        } else {
            writePart(values, columns: columns, used: used, channel: channel, to: result, offset: offset, step: step)
        }
    }

    /// Writes the first `columns` of four pixels, and the first `used` of their sixteen channels.
    @inline(never)
    private func writePart(
        _ values: (Vector, Vector, Vector, Vector), columns: Int, used: Int, channel: Int,
        to result: UnsafeMutablePointer<Float>, offset: Int, step: Int
    ) {
        for j in 0..<columns {
            let value = j < 2 ? (j == 0 ? values.0 : values.1) : (j == 2 ? values.2 : values.3)
            let offset = offset + j * step
            if used == lanes {
                store(apply(value, channel: channel, offset: offset), to: result + offset)
            } else {
                store(apply(value, channel: channel, offset: offset, count: used), to: result + offset, count: used)
            }
        }
    }
}
