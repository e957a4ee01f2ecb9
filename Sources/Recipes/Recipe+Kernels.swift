import Kernels

extension Recipe {
    /// What computes. Decides speed and rounding, and nothing else.
    package struct KernelSettings: Sendable, Hashable {
        package var backend = KernelBackend.standard
    }
}

extension KernelBackend: RecipeChoice {}
extension ProductPrecision: RecipeChoice {}
