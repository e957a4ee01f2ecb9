#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// A block of float32 values, aligned to 64 bytes (a cache line and an AVX-512 vector) and freed with its owner.
///
/// Kernels take raw pointers; a `FloatBuffer` is what owns the memory behind them. It is handed between threads, which
/// must agree among themselves on who writes when: hence `@unchecked Sendable`.
///
/// Large buffers lie on huge pages where Linux has them: a step goes over hundreds of megabytes in strides of kilobytes.
package final class FloatBuffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private static let hugePage = 2 << 20

    /// `count` zeros. Allocates `4 · count` bytes, rounded up to a multiple of 64.
    package init(count: Int) {
        precondition(count >= 0, "a buffer cannot hold \(count) values")
        self.count = count
        // Written so that no count can wrap around to a small number of bytes.
        let bytes = count >= 1 << 60 ? Int.max : max(64, (count * 4 + 63) & ~63)
        let isLarge = bytes >= Self.hugePage
        let raw = Self.allocate(bytes, alignment: isLarge ? Self.hugePage : 64)
        #if os(Linux)
        // Whole pages only, so that no more memory is resident than before. A kernel that refuses changes nothing.
        if isLarge { madvise(raw, bytes & ~(Self.hugePage - 1), MADV_HUGEPAGE) }
        #endif
        raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        pointer = raw.assumingMemoryBound(to: Float.self)
    }

    package convenience init(_ values: some Collection<Float>) {
        self.init(count: values.count)
        for (i, value) in values.enumerated() { pointer[i] = value }
    }

    deinit {
        free(pointer)
    }

    /// Nobody up the stack could go on without this memory, so that there is none ends the process, with a message.
    private static func allocate(_ bytes: Int, alignment: Int) -> UnsafeMutableRawPointer {
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, alignment, bytes) == 0, let pointer else {
            let message = "error: out of memory: \(bytes) bytes could not be allocated\n  → make batch, micro-batch or model smaller, or start fewer ranks on this machine\n"
            _ = message.withCString { write(2, $0, strlen($0)) }
            _exit(74)
        }
        return pointer
    }

    package subscript(index: Int) -> Float {
        get { pointer[index] }
        set { pointer[index] = newValue }
    }

    package var array: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    package func fill(_ value: Float) {
        pointer.update(repeating: value, count: count)
    }

    /// Copies all of `other`, which must have the same count.
    package func copy(from other: FloatBuffer) {
        precondition(count == other.count)
        pointer.update(from: other.pointer, count: count)
    }
}
