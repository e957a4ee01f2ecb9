/// A named tensor's place in an arena.
package struct TensorLayout: Sendable, Hashable {
    /// How the values lie in memory, against PyTorch's order in files.
    package enum Order: Sendable, Hashable {
        /// As in files.
        case plain
        /// A filter: [height, width, input, output] in memory, [output, input, height, width] in files.
        case filter
    }

    /// PyTorch's state_dict name.
    package var name: String
    /// PyTorch's shape.
    package var shape: [Int]
    package var offset: Int
    package var order: Order

    package var count: Int { shape.reduce(1, *) }
    package var range: Range<Int> { offset..<offset + count }

    /// Copies the tensor from the arena into PyTorch's order.
    package func export(from arena: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let source = arena + offset
        guard order == .filter else {
            output.update(from: source, count: count)
            return
        }
        forEachFilterElement { file, memory in output[file] = source[memory] }
    }

    /// Copies the tensor from PyTorch's order into the arena.
    package func load(from input: UnsafePointer<Float>, into arena: UnsafeMutablePointer<Float>) {
        let target = arena + offset
        guard order == .filter else {
            target.update(from: input, count: count)
            return
        }
        forEachFilterElement { file, memory in target[memory] = input[file] }
    }

    private func forEachFilterElement(_ body: (_ file: Int, _ memory: Int) -> Void) {
        let (outputs, inputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
        for tap in 0..<taps {
            for i in 0..<inputs {
                for o in 0..<outputs {
                    body((o * inputs + i) * taps + tap, (tap * inputs + i) * outputs + o)
                }
            }
        }
    }
}
