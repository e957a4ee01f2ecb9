import Kernels

/// A pair to be shown to one person.
package struct StudyTrial: Hashable, Sendable {
    /// Where the changed picture is.
    package enum Side: String, Codable, Sendable {
        case left
        case right
    }

    /// From 0, in the person's order.
    package var number: Int
    /// The image's place in the study.
    package var image: Int
    /// Nil for a catch trial.
    package var condition: Int?
    package var changed: Side

    package init(number: Int, image: Int, condition: Int?, changed: Side) {
        (self.number, self.image, self.condition, self.changed) = (number, image, condition, changed)
    }
}

/// Who sees what, when and where: a function of the seed and the person's number.
///
/// Every person sees every image once. A Latin square deals the conditions out: from one person to the next each image goes on to
/// the next condition, so that over as many people as there are conditions every image is seen once in each, and nobody learns an
/// image. The changed picture is as often left as right in each condition.
package struct StudyOrder: Sendable {
    private let settings: StudySettings
    private let conditions: Int

    package init(_ settings: StudySettings, conditions: Int) {
        (self.settings, self.conditions) = (settings, conditions)
    }

    package init(_ plan: StudyPlan) { self.init(plan.settings, conditions: plan.conditions.count) }

    package func trials(of participant: Int) -> [StudyTrial] {
        func stream(_ sample: Int) -> Philox { Philox(seed: settings.seed, purpose: .study, epoch: participant, sample: sample) }
        var trials = stream(0).permutation(settings.trials).enumerated().map { number, image in
            StudyTrial(
                number: number, image: image, condition: image < settings.tests ? (image + participant) % conditions : nil, changed: .left)
        }
        for condition in -1..<conditions {
            let members = trials.indices.filter { (trials[$0].condition ?? -1) == condition }
            let draws = stream(2 + condition)
            // Of an odd number, the one more is left or right by chance.
            let right = (members.count + draws.uniform(members.count, below: 2)) / 2
            for place in draws.permutation(members.count).prefix(right) { trials[members[place]].changed = .right }
        }
        return trials
    }
}
