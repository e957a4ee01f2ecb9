import Kernels

/// bfloat16 values: the upper halves of float32.
final class BFloat16Buffer {
    let pointer: UnsafeMutablePointer<UInt16>
    let count: Int

    init(count: Int) {
        self.count = count
        pointer = .allocate(capacity: max(1, count))
        pointer.initialize(repeating: 0, count: max(1, count))
    }

    deinit { pointer.deallocate() }
}

/// Rounds `values + errors` to the nearest bfloat16, ties to even, and leaves what rounding took away in `errors`.
///
/// Infinities and NaNs stay non-finite. About 18 bytes of memory traffic per value.
func compress(
    _ values: UnsafePointer<Float>, errors: UnsafeMutablePointer<Float>, into result: UnsafeMutablePointer<UInt16>, count: Int
) {
    let input = UnsafeRawPointer(values)
    let error = UnsafeMutableRawPointer(errors)
    let output = UnsafeMutableRawPointer(result)
    var i = 0
    while i &+ 16 <= count {
        let value =
            input.loadUnaligned(fromByteOffset: 4 &* i, as: SIMD16<Float>.self)
            + error.loadUnaligned(fromByteOffset: 4 &* i, as: SIMD16<Float>.self)
        let bits = unsafeBitCast(value, to: SIMD16<UInt32>.self)
        let upper = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
        let rounded = unsafeBitCast(upper &<< 16, to: SIMD16<Float>.self)
        output.storeBytes(of: SIMD16<UInt16>(truncatingIfNeeded: upper), toByteOffset: 2 &* i, as: SIMD16<UInt16>.self)
        error.storeBytes(of: value - rounded, toByteOffset: 4 &* i, as: SIMD16<Float>.self)
        i &+= 16
    }
    while i < count {
        let value = values[i] + errors[i]
        let upper = (value.bitPattern &+ 0x7FFF &+ ((value.bitPattern >> 16) & 1)) >> 16
        result[i] = UInt16(truncatingIfNeeded: upper)
        errors[i] = value - Float(bitPattern: upper << 16)
        i &+= 1
    }
}

/// Widens bfloat16 to float32, exactly.
func expand(_ values: UnsafePointer<UInt16>, into result: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { result[i] = Float(bitPattern: UInt32(values[i]) << 16) }
}

/// `result[i] += values[i]`.
func add(_ values: UnsafePointer<UInt16>, to result: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { result[i] += Float(bitPattern: UInt32(values[i]) << 16) }
}
