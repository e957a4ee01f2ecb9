import Foundation
import Recipes

/// The learning rate of each step, a function of the recipe and the step's number alone.
package struct LearningRateSchedule: Sendable {
    private enum Shape: Sendable {
        case constant
        /// Times `gamma` after every so many epochs (PyTorch's `StepLR`).
        case drop(every: Int, gamma: Double)
        /// Times `gamma` after each of these epochs (`MultiStepLR`).
        case drops(after: [Int], gamma: Double)
        /// Half a cosine, from the end of the warm-up to zero at the end of the run (`CosineAnnealingLR`).
        case cosine
        /// Up to the peak by half a cosine from 1/25 of it, then down to 1/250,000 (`OneCycleLR`; L. Smith and N. Topin,
        /// arXiv 1708.07120). `peak` is the share of the run at which it is reached. The momentum does not change.
        case oneCycle(peak: Double)
    }

    private let shape: Shape
    private let rate: Double
    private let epochs: Int
    private let stepsPerEpoch: Int
    private let warmupSteps: Double

    /// - Parameter stepsPerEpoch: at least 1.
    package init(_ recipe: Recipe, stepsPerEpoch: Int) {
        precondition(stepsPerEpoch >= 1, "an epoch has at least one step")
        rate = recipe.optimizer.lr
        epochs = recipe.epochs
        self.stepsPerEpoch = stepsPerEpoch
        warmupSteps = recipe.schedule.warmupEpochs * Double(stepsPerEpoch)
        let gamma = recipe.schedule.gamma
        switch recipe.schedule.name {
        case .step: shape = .drop(every: recipe.schedule.stepEpochs, gamma: gamma)
        case .multiStep: shape = .drops(after: recipe.schedule.milestones, gamma: gamma)
        case .cosine: shape = .cosine
        case .oneCycle: shape = .oneCycle(peak: recipe.schedule.peak)
        case .constant: shape = .constant
        }
    }

    /// The rate of step `step`, counted from 0 over the whole run.
    ///
    /// Drops happen between epochs; warm-up, cosine and one-cycle move with every step. A warm-up of w steps multiplies the
    /// rate of step t by (t + 1)/(w + 1).
    package func rate(step: Int) -> Float {
        let at = Double(step)
        return Float(rate(at: at, epoch: step / stepsPerEpoch) * (at < warmupSteps ? (at + 1) / (warmupSteps + 1) : 1))
    }

    private func rate(at: Double, epoch: Int) -> Double {
        let total = Double(max(1, epochs * stepsPerEpoch))
        switch shape {
        case .constant: return rate
        case .drop(let every, let gamma): return rate * pow(gamma, Double(epoch / every))
        case .drops(let milestones, let gamma): return rate * pow(gamma, Double(milestones.count { epoch >= $0 }))
        case .cosine: return Self.anneal(rate, 0, max(0, at - warmupSteps) / max(1, total - warmupSteps))
        case .oneCycle(let peak):
            let top = peak * total - 1
            let start = rate / 25
            let end = start / 1e4
            if at <= top { return Self.anneal(start, rate, top > 0 ? at / top : 0) }
            return Self.anneal(rate, end, (at - top) / (total - 1 - top))
        }
    }

    /// Half a cosine between two rates; `progress` from 0 to 1.
    private static func anneal(_ from: Double, _ to: Double, _ progress: Double) -> Double {
        to + (from - to) * 0.5 * (1 + cos(.pi * progress))
    }
}
