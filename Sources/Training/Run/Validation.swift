import Diagnostics
import MPI
import NeuralNet

/// A model was looked at whose answers are not finite.
package struct DivergedModel: Error {
    package init() {}
}

/// What a run learns about its model between epochs; how is the affair of whoever starts the run. Both throw `DivergedModel`, on all
/// ranks alike, where there is nothing to measure.
package protocol Validation: AnyObject {
    /// Accuracy on clean and on attacked images, 0 to 1, the same on all ranks; nil without validation images. Collective.
    ///
    /// - Parameter progress: to be called every few seconds.
    func run(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> (clean: Double, robust: Double)?

    /// Accuracy of a few held-out images under a strong attack, the same on all ranks: to see catastrophic overfitting. Collective.
    func watch(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> WatchedAccuracy
}

/// Robust accuracy of a few held-out images, 0 to 1.
package struct WatchedAccuracy: Codable, Sendable, Hashable {
    package var images: Int
    /// The attack may change every pixel.
    package var everywhere: Double
    /// It may change what the training attack may; nil without a mask.
    package var masked: Double?

    package init(images: Int, everywhere: Double, masked: Double?) {
        self.images = images
        self.everywhere = everywhere
        self.masked = masked
    }

    /// The better of both, each by itself.
    func best(with other: WatchedAccuracy?) -> WatchedAccuracy {
        guard let other else { return self }
        return WatchedAccuracy(
            images: images, everywhere: max(everywhere, other.everywhere), masked: masked.map { max($0, other.masked ?? 0) })
    }

    /// What collapsed, in words, against the best so far; nil if nothing did. A few images more or less are no collapse.
    ///
    /// - Parameter drop: the share of the best that must be lost.
    package func collapse(from best: WatchedAccuracy?, drop: Double) -> String? {
        guard let best else { return nil }
        func fell(_ now: Double, _ before: Double, _ name: String) -> String? {
            guard before * Double(images) >= 8, now < (1 - drop) * before, (before - now) * Double(images) >= 6 else { return nil }
            return "\(name) fell from \(percent(before)) to \(percent(now))"
        }
        let parts = [
            fell(everywhere, best.everywhere, "robust accuracy"), masked.flatMap { fell($0, best.masked ?? 0, "robust accuracy inside the mask") },
        ]
        let text = parts.compactMap { $0 }.joined(separator: ", ")
        return text.isEmpty ? nil : "catastrophic overfitting: on \(images) held-out images \(text)"
    }
}
