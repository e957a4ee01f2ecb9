import COpenBLAS
import Foundation

/// Matrix products by OpenBLAS, row-major, on one thread.
package enum GEMM {
    /// Tells OpenBLAS to use the calling thread only. A rank calls this once, before its first product; otherwise the
    /// ranks of one machine would each start a thread per core.
    package static func useOneThread() {
        openblas_set_num_threads(1)
    }

    /// The kernels that OpenBLAS chose for this CPU, such as `Cooperlake` or `Haswell`. The environment variable
    /// `OPENBLAS_CORETYPE` overrides its choice, before the process starts.
    package static var coreType: String { String(cString: openblas_get_corename()) }

    /// Version and build options of the library.
    package static var configuration: String {
        String(cString: openblas_get_config()).trimmingCharacters(in: .whitespaces)
    }

    /// `c = a·b + beta·c`, where `a` is [m, k] (or [k, m] if `transposeA`) and `b` is [k, n] (or [n, k] if `transposeB`).
    ///
    /// - Parameters:
    ///   - lda, ldb, ldc: values between the starts of two rows as stored; nil where rows are contiguous.
    ///
    /// 2·m·n·k FLOPs. `c` must not overlap `a` or `b`.
    package static func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int,
        transposeA: Bool = false, transposeB: Bool = false, beta: Float = 0, lda: Int? = nil, ldb: Int? = nil, ldc: Int? = nil
    ) {
        guard m > 0, n > 0 else { return }
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            blasint(m), blasint(n), blasint(k), 1, a, blasint(lda ?? (transposeA ? m : k)), b,
            blasint(ldb ?? (transposeB ? k : n)), beta, c, blasint(ldc ?? n))
    }
}
