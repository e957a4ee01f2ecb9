/// What computes: where two of them are equal, the same steps give the same bits.
///
/// Our own loops round alike wherever the compiler may fuse multiplications with additions; OpenBLAS picks other kernels,
/// which sum in another order, for each kind of CPU.
package struct ComputeEnvironment: Codable, Sendable, Hashable, CustomStringConvertible {
    /// What computes convolutions.
    package var backend: KernelBackend
    /// Name and version of the BLAS, such as `OpenBLAS 0.3.21`.
    package var blas: String
    /// The kernels that it chose for this CPU, such as `Haswell`.
    package var blasKernels: String
    /// The architecture and the extensions that our own kernels were compiled for, separated by spaces.
    package var instructionSet: String

    package init(backend: KernelBackend = .native, blas: String, blasKernels: String, instructionSet: String) {
        self.backend = backend
        self.blas = blas
        self.blasKernels = blasKernels
        self.instructionSet = instructionSet
    }

    /// That of this process.
    package static func current(backend: KernelBackend) -> ComputeEnvironment {
        let extensions = String(cString: kernelInstructionSet()).split(separator: " ").map(String.init)
        return ComputeEnvironment(
            backend: backend, blas: GEMM.configuration.split(separator: " ").prefix(2).joined(separator: " "), blasKernels: GEMM.coreType,
            instructionSet: ([architecture] + extensions).joined(separator: " "))
    }

    package var description: String { "\(backend.rawValue) kernels: own for \(instructionSet), \(blas) with kernels for \(blasKernels)" }

    /// What rounds otherwise than in `old`, in words; empty if nothing does.
    package func differences(from old: ComputeEnvironment) -> [String] {
        var found: [String] = []
        func compare(_ what: String, _ a: String, _ b: String) { if a != b { found.append("\(what) was \(a), is now \(b)") } }
        compare("kernels.backend", old.backend.rawValue, backend.rawValue)
        compare("the BLAS", old.blas, blas)
        compare("its core type", old.blasKernels, blasKernels)
        // Wide vectors and narrow ones give the same bits.
        if old.rounding != rounding { compare("the instruction set", old.instructionSet, instructionSet) }
        return found
    }

    /// What of the instruction set decides how our own loops round.
    private var rounding: [String] {
        let words = instructionSet.split(separator: " ").map(String.init)
        return Array(words.prefix(1)) + words.filter { $0 == "fma" }
    }

    private static var architecture: String {
        #if arch(x86_64)
        "x86_64"
        #elseif arch(arm64)
        "arm64"
        #elseif arch(powerpc64le)
        "powerpc64le"
        #else
        "unknown"
        #endif
    }
}
