/// One line of a study's `log.jsonl`: what a person answered. Lines are only ever added; an answer cannot be taken back.
package struct StudyLine: ChainedLine, Hashable {
    package static let logName = "a study's log"
    package static let server = "sipat study serve"

    /// What the page says of how the pair was shown.
    package struct Display: Codable, Hashable, Sendable {
        /// Pixels of the screen for one of the page's.
        package var pixelRatio: Double
        /// Of the window, in the page's pixels.
        package var width: Int
        package var height: Int

        package init(pixelRatio: Double, width: Int, height: Int) {
            (self.pixelRatio, self.width, self.height) = (pixelRatio, width, height)
        }
    }

    package var line = 0
    package var previous = ""
    /// UTC, with milliseconds.
    package var time: String
    package var person: String
    /// The person's number, which decides what they are shown.
    package var participant: Int
    package var trial: Int
    package var image: Int
    /// Nil for a catch trial, as `epsilon`.
    package var method: String?
    package var epsilon: Float?
    /// Where the changed picture was, and which one the person chose.
    package var changed: StudyTrial.Side
    package var answer: StudyTrial.Side
    /// The number that the page gave its message: the same message twice is one answer.
    package var id: String
    /// SHA-256 of the files that were shown.
    package var cleanHash: String
    package var changedHash: String
    /// From the pair's appearance to the answer, without pauses.
    package var activeMilliseconds: Int
    package var display: Display?
    package var page: String?

    package var isRight: Bool { changed == answer }

    package init(
        time: String = logTime(), person: String, participant: Int, trial: StudyTrial, plan: StudyPlan, answer: StudyTrial.Side, id: String, cleanHash: String,
        changedHash: String, activeMilliseconds: Int
    ) {
        let condition = trial.condition.map { plan.conditions[$0] }
        (self.time, self.person, self.participant) = (time, person, participant)
        (self.trial, image, method, epsilon, changed) = (trial.number, trial.image, condition?.method, condition?.epsilon, trial.changed)
        (self.answer, self.id, self.cleanHash, self.changedHash) = (answer, id, cleanHash, changedHash)
        self.activeMilliseconds = activeMilliseconds
    }
}
