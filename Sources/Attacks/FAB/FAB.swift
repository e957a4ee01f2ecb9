import Diagnostics
import Kernels

/// FAB, which looks for the nearest misclassified image along the linearised boundary (Croce and Hein, ICML 2020), as
/// AutoAttack runs it: without the paper's final search.
package struct FAB: Attack, Hashable {
    package var threat: ThreatModel
    /// Aims at one class at a time: one gradient per iteration, instead of one for each class.
    package var isTargeted: Bool
    package var iterations = 100
    /// Runs for each target; the first starts at the image, the others at random points.
    package var restarts = 1
    /// Target classes; one less than there are classes if that is fewer.
    package var targets = 9
    /// The largest share of the way back towards the image in a step.
    package var alphaMax: Float = 0.1
    /// How far beyond the boundary a step goes.
    package var overshoot: Float = 1.05
    /// What is left of a perturbation that has crossed the boundary.
    package var backwardStep: Float = 0.9
    /// Leaves an image at the first misclassified point inside the ball: whether it falls is the same. Otherwise all runs go to
    /// their end, and `AttackClaim.boundaryDistance` is the smallest that FAB can find.
    package var stopsAtSuccess = true

    package init(_ threat: ThreatModel, isTargeted: Bool) {
        self.threat = threat
        self.isTargeted = isTargeted
    }

    package var name: String { isTargeted ? "fab-t" : "fab" }

    package func description(classes: Int) -> AttackDescription {
        var description = AttackDescription(
            name: name, threat: threat,
            settings: [
                "iterations": "\(iterations)", "restarts": "\(restarts)", "alphaMax": "\(alphaMax)", "overshoot": "\(overshoot)",
                "backwardStep": "\(backwardStep)", "stopsAtSuccess": "\(stopsAtSuccess)",
            ])
        if isTargeted {
            description.settings["targets"] = "\(min(targets, classes - 1))"
            if targets > classes - 1 { description.deviations.append("\(classes - 1) targets, as there are \(classes) classes") }
        }
        return description
    }

    package func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner {
        try requireSound(threat, capacity: capacity)
        try requireRuns(restarts: restarts, targets: targets)
        guard iterations >= 1, (0...1).contains(alphaMax), overshoot >= 1, (0...1).contains(backwardStep) else {
            throw Failure.usage("\(name): iterations or overshoot below 1, or a share outside [0, 1]")
        }
        let scratch = FABScratch(count: imageShape.count)
        return LaneRunner(
            self, shape: imageShape, classes: classes,
            lanes: (0..<capacity).map { _ in FABLane(self, shape: imageShape, classes: classes, scratch: scratch) })
    }
}

/// What lanes of one runner, which take turns, need for a moment.
final class FABScratch {
    let weights: FloatBuffer
    let rooms: FloatBuffer
    /// Displacements from the current point and from the image.
    let fromPoint: FloatBuffer
    let fromImage: FloatBuffer

    init(count: Int) {
        weights = FloatBuffer(count: count)
        rooms = FloatBuffer(count: count)
        fromPoint = FloatBuffer(count: count)
        fromImage = FloatBuffer(count: count)
    }
}
