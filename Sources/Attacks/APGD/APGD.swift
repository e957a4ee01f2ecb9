import Diagnostics
import Kernels

/// APGD, projected gradient ascent with momentum and steps that halve when they stop paying (Croce and Hein, ICML 2020).
package struct APGD: Attack, Hashable {
    package enum Objective: String, Sendable, Hashable, Codable, CaseIterable {
        case crossEntropy = "apgd-ce"
        /// The difference-of-logits ratio.
        case logitsRatio = "apgd-dlr"
        /// The targeted ratio, for the classes that rank second, third … on the image.
        case targeted = "apgd-t"
    }

    package var objective: Objective
    package var threat: ThreatModel
    package var iterations = 100
    /// Random starts, for each target.
    package var restarts = 1
    /// Target classes of `targeted`; one less than there are classes if that is fewer.
    package var targets = 9
    /// The share of iterations between checkpoints in which the loss must rise for the step to stay.
    package var rho = 0.75
    /// Passes of which each gradient is the mean, for models that draw random numbers.
    package var gradientPasses = 1
    /// Leaves an image at its first misclassified point: whether it falls is the same, and much work is saved. Otherwise a
    /// run goes to its end and returns the last misclassified point, as the authors' code does.
    package var stopsAtSuccess = true

    package init(_ objective: Objective, _ threat: ThreatModel) {
        self.objective = objective
        self.threat = threat
    }

    package var name: String { objective.rawValue }

    package func description(classes: Int) -> AttackDescription {
        var description = AttackDescription(
            name: name, threat: threat,
            settings: [
                "iterations": "\(iterations)", "restarts": "\(restarts)", "rho": "\(rho)", "gradientPasses": "\(gradientPasses)",
                "stopsAtSuccess": "\(stopsAtSuccess)",
            ])
        if objective == .targeted {
            description.settings["targets"] = "\(min(targets, classes - 1))"
            if targets > classes - 1 { description.deviations.append("\(classes - 1) targets, as there are \(classes) classes") }
        }
        switch (objective, classes) {
        case (.crossEntropy, _): description.settings["loss"] = "cross-entropy"
        case (.logitsRatio, 3...): description.settings["loss"] = "dlr"
        case (.targeted, 4...): description.settings["loss"] = "dlr-targeted"
        case (.targeted, 3):
            description.settings["loss"] = "dlr-targeted-3"
            description.deviations.append("the targeted DLR loss is divided by z(1) − z(3), as three classes have no z(4)")
        default:
            description.settings["loss"] = "logit-difference"
            description.deviations.append("the loss is the difference of the two logits, as the DLR loss needs three classes")
        }
        return description
    }

    package func makeRunner(imageShape: ImageShape, classes: Int, capacity: Int) throws -> any AttackRunner {
        try requireSound(threat, capacity: capacity)
        try requireRuns(restarts: restarts, targets: targets)
        guard iterations >= 1, gradientPasses >= 1, rho.isFinite else {
            throw Failure.usage("\(name): iterations and gradientPasses must be at least 1, and rho a number")
        }
        return LaneRunner(
            self, shape: imageShape, classes: classes,
            lanes: (0..<capacity).map { _ in APGDLane(self, shape: imageShape, classes: classes) })
    }

    /// The loss of one run.
    func loss(classes: Int, label: Int, target: Int?) -> LogitLoss {
        switch (objective, classes) {
        case (.crossEntropy, _): .crossEntropy
        case (.logitsRatio, 3...): .logitsRatio
        case (.targeted, 4...): .targetedLogitsRatio(target: target!)
        case (.targeted, 3): .targetedLogitsRatioOfThree(target: target!)
        default: .difference(target: 1 - label)
        }
    }

    var stream: AttackStream {
        switch objective {
        case .crossEntropy: .apgdCrossEntropy
        case .logitsRatio: .apgdDLR
        case .targeted: .apgdTargeted
        }
    }
}

extension Attack {
    /// - Throws: `Failure.usage` for a ball that attacks with binary masks cannot use.
    func requireSound(_ threat: ThreatModel, capacity: Int) throws {
        guard threat.epsilon.isFinite, threat.epsilon > 0 else {
            throw Failure.usage("\(name): the radius is \(threat.epsilon), expected more than 0", remedy: "radius 0 is the clean images")
        }
        guard threat.epsilonSalient == 0 else {
            throw Failure.usage("\(name): a second radius for salient pixels is not supported", remedy: "use pgd, or a region")
        }
        guard capacity >= 1 else { throw Failure.usage("\(name): a capacity of \(capacity) images, expected at least 1") }
    }

    /// - Throws: `Failure.usage` for more runs than have random numbers of their own.
    func requireRuns(restarts: Int, targets: Int) throws {
        guard (1...AttackStream.restarts).contains(restarts), (1..<AttackStream.targets).contains(targets) else {
            throw Failure.usage(
                "\(name): \(restarts) restarts and \(targets) targets, expected 1 to \(AttackStream.restarts) and 1 to \(AttackStream.targets - 1)")
        }
    }
}
