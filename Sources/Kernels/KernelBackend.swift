/// What computes convolutions.
package enum KernelBackend: String, Sendable, CaseIterable, Codable {
    /// Our own loops, by the algorithm that measured fastest for each shape: the same bits on every CPU that can fuse
    /// multiplications with additions.
    case native
    /// Matrix products by OpenBLAS, which has kernels for many CPUs. The same bits on CPUs of one kind only.
    case blas
    /// For each shape and pass the faster of the two, by a rule that is a part of the program (`ConvolutionAlgorithms`).
    case auto

    /// Our own loops where they were tuned, on x86 with AVX2 or more; else OpenBLAS. Decided when compiling, so the ranks of
    /// one program agree.
    package static var standard: KernelBackend { hasTunedLoops ? .native : .blas }
}
