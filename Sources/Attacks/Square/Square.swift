import Diagnostics
import Kernels

/// Square, a random search that asks for logits only (Andriushchenko et al., ECCV 2020).
///
/// As in the authors' code a window's corner is never in the last place it could be, so that the last row and column change
/// in the first pattern only. On a masked image (some pixels may not move) that could make pixels unassailable, and a window
/// might miss them altogether: there each window holds a pixel that may move, its place is drawn from all that do, and its
/// side follows from their number (`AttackClaim.Variant.masked`).
package struct Square: Attack, Hashable {
    package var threat: ThreatModel
    /// Windows tried, for each restart.
    package var queries = 5000
    package var restarts = 1
    /// The share of the pixels in the first windows.
    package var initialShare = 0.8

    package init(_ threat: ThreatModel) {
        self.threat = threat
    }

    package var name: String { "square" }

    package func description(classes: Int) -> AttackDescription {
        AttackDescription(
            name: name, threat: threat,
            settings: ["queries": "\(queries)", "restarts": "\(restarts)", "initialShare": "\(initialShare)", "loss": "margin"])
    }

    package func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner {
        try requireSound(threat, capacity: capacity)
        try requireRuns(restarts: restarts, targets: 1)
        guard queries >= 1, queries <= 1 << 26, initialShare > 0, initialShare <= 1 else {
            throw Failure.usage("\(name): \(queries) queries and a first share of \(initialShare), expected at least 1, and a share in (0, 1]")
        }
        let patterns = SquarePatterns()
        return LaneRunner(
            self, shape: imageShape, classes: classes,
            lanes: (0..<capacity).map { _ in SquareLane(self, shape: imageShape, classes: classes, patterns: patterns) })
    }
}

/// The patterns of the sides met so far, shared by the lanes of a runner.
final class SquarePatterns {
    private var known: [Int: (upright: [Float], transposed: [Float])] = [:]

    func pattern(side: Int, isTransposed: Bool) -> [Float] {
        if known[side] == nil {
            let upright = SquarePattern.pattern(side: side)
            known[side] = (upright, SquarePattern.transposed(upright, side: side))
        }
        return isTransposed ? known[side]!.transposed : known[side]!.upright
    }
}
