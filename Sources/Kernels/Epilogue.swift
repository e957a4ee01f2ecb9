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
}
