import CInstructionSet

/// The CPU extensions that the kernels were compiled for, separated by spaces, under the names of /proc/cpuinfo; empty
/// where the compiler's baseline is all there is. Itself runs on any CPU.
package func kernelInstructionSet() -> UnsafePointer<CChar> { sipat_instruction_set() }
