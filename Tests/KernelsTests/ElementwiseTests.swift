import Kernels
import Testing

private func gates(_ count: Int) -> [Float] {
    let special: [Float] = [0, -0.0, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .infinity]
    return normals(count, 9).enumerated().map { i, value in i % 3 == 0 ? special[i / 3 % special.count] : value }
}

@Suite("Element-wise kernels")
struct ElementwiseTests {
    @Test("Gated sums, also over each input", arguments: [0, 1, 15, 16, 17, 127, 1000])
    func addGated(_ count: Int) {
        let (a, b, gate) = (normals(count, 1), normals(count, 2), gates(count))
        for (useB, useGate) in [(false, false), (true, false), (false, true), (true, true)] {
            // One rounding of one sum: the definition in float32 is exact.
            let expected = (0..<count).map { i -> Float in
                useGate && !(gate[i] > 0) ? 0 : a[i] + (useB ? b[i] : 0)
            }
            for place in 0..<4 {
                let buffers = [Guarded(a), Guarded(b), Guarded(gate), Guarded(count: count)]
                Elementwise.addGated(
                    buffers[0].pointer, useB ? UnsafePointer(buffers[1].pointer) : nil,
                    gate: useGate ? UnsafePointer(buffers[2].pointer) : nil, count: count, output: buffers[place].pointer)
                #expect(buffers[place].array == expected)
                for buffer in buffers { #expect(buffer.isGuardIntact) }
            }
        }
    }

    @Test("Scaled gradients, also over each input", arguments: Layout.all)
    func scaleGradient(_ layout: Layout) {
        let (dy, addend, gate) = (normals(layout.count, 1), normals(layout.count, 2), gates(layout.count))
        let scale = FloatBuffer(normals(layout.channels, 3))
        defer { withExtendedLifetime(scale) {} }
        for (useAddend, useGate) in [(false, false), (true, false), (false, true), (true, true)] {
            let expected = (0..<layout.count).map { i -> Double in
                if useGate && !(gate[i] > 0) { return 0 }
                return Double(dy[i]) * Double(scale[i % layout.channels]) + (useAddend ? Double(addend[i]) : 0)
            }
            for place in 0..<4 {
                let buffers = [Guarded(dy), Guarded(addend), Guarded(gate), Guarded(count: layout.count)]
                Elementwise.scaleGradient(
                    buffers[0].pointer, rows: layout.rows, channels: layout.channels, scale: scale.pointer,
                    addend: useAddend ? UnsafePointer(buffers[1].pointer) : nil,
                    gate: useGate ? UnsafePointer(buffers[2].pointer) : nil, output: buffers[place].pointer)
                #expect(relativeError(buffers[place].array, expected) < 2e-7)
                for buffer in buffers { #expect(buffer.isGuardIntact) }
            }
        }
    }

    @Test("The first value that is not finite is found wherever it is", arguments: [Float.nan, .infinity, -.infinity])
    func firstNonFinite(_ value: Float) {
        let extremes: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0]
        let clean = (0..<400).map { extremes[$0 % extremes.count] }
        let x = FloatBuffer(clean)
        defer { withExtendedLifetime(x) {} }
        #expect(Elementwise.firstNonFinite(x.pointer, count: 400) == nil)
        for place in 0..<400 {
            x[place] = value
            #expect(Elementwise.firstNonFinite(x.pointer, count: 400) == place)
            #expect(Elementwise.firstNonFinite(x.pointer, count: place) == nil)
            // A later one does not matter, not even the opposite infinity.
            let last = x[399]
            x[399] = -value
            #expect(Elementwise.firstNonFinite(x.pointer, count: 400) == place)
            x[399] = last
            x[place] = clean[place]
        }
    }
}
