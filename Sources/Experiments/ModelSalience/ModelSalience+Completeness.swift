import Diagnostics
import MPI

extension ModelSalience {
    /// How far integrated gradients are from adding up, over all ranks' images, in words; nil for other estimators, and on
    /// all ranks but 0. Collective; the same on any number of ranks.
    func account(_ communicator: Communicator) throws -> String? {
        guard settings.name == .integratedGradients else { return nil }
        let own = completeness.sorted { $0.index < $1.index }
        guard let parts = try communicator.gather(own.flatMap { [Double($0.index), $0.sum, $0.difference] }) else { return nil }
        let numbers = parts.flatMap { $0 }
        let images = stride(from: 0, to: numbers.count, by: 3).map { (index: Int(numbers[$0]), sum: numbers[$0 + 1], difference: numbers[$0 + 2]) }
            .sorted { $0.index < $1.index }
        guard !images.isEmpty else { return nil }
        let scale = images.reduce(0) { $0 + abs($1.difference) } / Double(images.count)
        let errors = images.map { abs($0.sum - $0.difference) }
        let mean = errors.reduce(0, +) / Double(errors.count)
        let worst = errors.indices.max { errors[$0] < errors[$1] }!
        func share(_ error: Double) -> String { "\(decimal(100 * error / scale, 1)) %" }
        guard scale > 0 else { return "completeness: the model's answer does not differ from that for a black image" }
        let text =
            "completeness: attributions miss f(x) − f(black) by \(share(mean)) of its mean size, \(decimal(scale, 3)), "
            + "and by \(share(errors[worst])) at most (image \(images[worst].index))"
        return mean / scale > 0.05 ? "warning: \(text)\n  → give more --steps than \(settings.steps)" : text
    }
}
