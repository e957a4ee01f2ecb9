import Kernels

/// Adds many arrays in the order of a tree, block by block, so that intermediate sums stay in the first-level cache: every
/// input is read once and the result written once.
final class SumProgram {
    private static let block = 2048

    private enum Operand {
        case input(Int)
        case intermediate(Int)
        case output
    }

    private let inputs: Int
    private let operations: [(result: Operand, left: Operand, right: Operand)]
    private let intermediates: FloatBuffer

    /// - Parameter additions: see `ReductionTree.additions(over:)`; empty for a single input, which is copied.
    init(inputs: Int, additions: [(left: Int, right: Int)]) {
        self.inputs = inputs
        func operand(_ number: Int) -> Operand {
            number < inputs ? .input(number) : number == inputs + additions.count - 1 ? .output : .intermediate(number - inputs)
        }
        operations = additions.enumerated().map { i, addition in
            (operand(inputs + i), operand(addition.left), operand(addition.right))
        }
        intermediates = FloatBuffer(count: max(0, additions.count - 1) * SumProgram.block)
    }

    /// Writes the sum of `inputs`, `count` values each, to `output`, which may be one of them but not overlap
    /// one in part, or zeros if there are none.
    func run(_ pointers: [UnsafePointer<Float>], into output: UnsafeMutablePointer<Float>, count: Int) {
        precondition(pointers.count == inputs)
        if operations.isEmpty {
            if let only = pointers.first { output.update(from: only, count: count) } else { output.update(repeating: 0, count: count) }
            return
        }
        pointers.withUnsafeBufferPointer { pointers in
            var start = 0
            while start < count {
                let length = min(SumProgram.block, count - start)
                func pointer(_ operand: Operand) -> UnsafePointer<Float> {
                    switch operand {
                    case .input(let i): pointers[i] + start
                    case .intermediate(let i): UnsafePointer(intermediates.pointer + i * SumProgram.block)
                    case .output: UnsafePointer(output + start)
                    }
                }
                for operation in operations {
                    add(
                        pointer(operation.left), pointer(operation.right),
                        into: UnsafeMutablePointer(mutating: pointer(operation.result)), count: length)
                }
                start += length
            }
        }
    }
}

/// `result[i] = a[i] + b[i]`; `result` may be `a` or `b`. Bound by memory: 12 bytes for each addition.
func add(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int) {
    let x = UnsafeRawPointer(a)
    let y = UnsafeRawPointer(b)
    let z = UnsafeMutableRawPointer(result)
    var i = 0
    while i &+ 16 <= count {
        let byte = i &* 4
        let sum =
            x.loadUnaligned(fromByteOffset: byte, as: SIMD16<Float>.self)
            + y.loadUnaligned(fromByteOffset: byte, as: SIMD16<Float>.self)
        z.storeBytes(of: sum, toByteOffset: byte, as: SIMD16<Float>.self)
        i &+= 16
    }
    while i < count {
        result[i] = a[i] + b[i]
        i &+= 1
    }
}
