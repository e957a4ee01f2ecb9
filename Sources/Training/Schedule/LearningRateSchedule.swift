import Foundation

/// The learning rate of each step, a function of the recipe and the step's number alone.
package struct LearningRateSchedule: Sendable {
    private enum Shape: Sendable {
        case constant
        /// Times `gamma` after each of these epochs.
        case drops(after: [Int], gamma: Double)
        case cosine
        /// Up to the peak by half a cosine from 1/25 of it, then down to 1/250,000 (PyTorch's `OneCycleLR`).
        case oneCycle(peak: Double)
    }

    private let shape: Shape
    private let rate: Double
    private let epochs: Int
    private let stepsPerEpoch: Int
    private let warmupSteps: Double

    package init(_ recipe: Recipe, stepsPerEpoch: Int) {
        rate = recipe.number("optimizer.lr")
        epochs = recipe.epochs
        self.stepsPerEpoch = stepsPerEpoch
        warmupSteps = recipe.number("schedule.warmupEpochs") * Double(stepsPerEpoch)
        let gamma = recipe.number("schedule.gamma")
        switch recipe.text("schedule.name") {
        case "step":
            let every = recipe.integer("schedule.stepEpochs")
            shape = .drops(after: Array(stride(from: every, to: max(recipe.epochs, every + 1), by: every)), gamma: gamma)
        case "multi-step": shape = .drops(after: recipe.integers("schedule.milestones"), gamma: gamma)
        case "cosine": shape = .cosine
        case "one-cycle": shape = .oneCycle(peak: recipe.number("schedule.peak"))
        default: shape = .constant
        }
    }

    /// The rate of step `step`, counted from 0 over the whole run.
    ///
    /// Drops happen between epochs; cosine and one-cycle move with every step.
    package func rate(step: Int) -> Float {
        let total = Double(max(1, epochs * stepsPerEpoch))
        let at = Double(step)
        if at < warmupSteps { return Float(rate * (at + 1) / (warmupSteps + 1)) }
        switch shape {
        case .constant: return Float(rate)
        case .drops(let epochs, let gamma):
            let drops = epochs.count { step / stepsPerEpoch >= $0 }
            return Float(rate * pow(gamma, Double(drops)))
        case .cosine:
            let progress = (at - warmupSteps) / max(1, total - warmupSteps)
            return Float(rate * 0.5 * (1 + cos(.pi * progress)))
        case .oneCycle(let peak):
            let top = peak * total - 1
            let start = rate / 25
            let end = start / 1e4
            if at <= top { return Float(Self.anneal(start, rate, at / max(top, 1e-9))) }
            return Float(Self.anneal(rate, end, (at - top) / max(total - 1 - top, 1e-9)))
        }
    }

    private static func anneal(_ from: Double, _ to: Double, _ progress: Double) -> Double {
        to + (from - to) * 0.5 * (1 + cos(.pi * progress))
    }
}
