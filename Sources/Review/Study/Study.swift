import Diagnostics
import Digests
import Foundation

/// A study as it is on the disk: its plan, its pictures, and what has been answered.
package struct Study: Sendable {
    package let folder: StudyFolder
    package let plan: StudyPlan
    package let planHash: String
    package let end: LogEnd
    /// Each person's number; nobody who has a number ever gets another.
    package let participants: [String: Int]
    /// By person's number: the ids of what they answered, in the order of their trials.
    package let answers: [Int: [String]]
    private let order: StudyOrder
    private let clean: [Int: StudyPicture]
    private let changed: [Key: StudyPicture]

    private struct Key: Hashable {
        var image: Int
        /// −1: the catch trial's.
        var condition: Int
    }

    /// Reads everything, checks the log's chain, and that each line is of a pair that its person was to see.
    ///
    /// - Parameter people: names in the order in which they were added; those who have no number yet get one.
    /// - Throws: `Failure` naming what is missing or damaged.
    package init(_ path: String, people: [String] = []) throws {
        folder = StudyFolder(path)
        let pictures: [StudyPicture]
        (plan, planHash, pictures) = try folder.read()
        order = StudyOrder(plan)
        let clean = Dictionary(pictures.filter { $0.kind == .clean }.map { ($0.image, $0) }) { first, _ in first }
        let changed = Dictionary(pictures.filter { $0.kind != .clean }.map { (Key(image: $0.image, condition: $0.condition ?? -1), $0) }) { first, _ in first }
        (self.clean, self.changed) = (clean, changed)
        let (settings, count) = (plan.settings, plan.conditions.count)
        for image in 0..<settings.trials {
            let conditions = image < settings.tests ? Array(0..<count) : [-1]
            guard clean[image] != nil, conditions.allSatisfy({ changed[Key(image: image, condition: $0)] != nil }) else {
                throw Failure.badData("\(folder.list): image \(image) has not all of its pictures", remedy: StudyFolder.again)
            }
        }
        let log = ChainReader<StudyLine>(folder.log, root: planHash)
        var (numbers, answers, trials): ([String: Int], [Int: [String]], [Int: [StudyTrial]]) = ([:], [:], [:])
        let (plan, order, path) = (plan, order, folder.log)
        end = try log.forEach { line, _ in
            func problem(_ text: String) -> Failure { .badData("\(path):\(line.line + 1): \(text)", remedy: LogEnd.remedy) }
            let participant = line.participant
            guard (0..<100_000).contains(participant), numbers[line.person] ?? participant == participant,
                numbers[line.person] != nil || !numbers.values.contains(participant)
            else { throw problem("gives \(line.person) the number \(participant), which does not agree with lines before") }
            numbers[line.person] = participant
            if trials[participant] == nil { trials[participant] = order.trials(of: participant) }
            let number = answers[participant]?.count ?? 0
            guard number < plan.settings.trials else { throw problem("is one answer more than there are pairs") }
            let trial = trials[participant]![number]
            let condition = trial.condition.map { plan.conditions[$0] }
            guard
                (line.trial, line.image, line.changed, line.method ?? "", line.epsilon ?? 0)
                    == (trial.number, trial.image, trial.changed, condition?.method ?? "", condition?.epsilon ?? 0)
            else { throw problem("is of another pair than the one that was due") }
            answers[participant, default: []].append(line.id)
        }
        for name in people where numbers[name] == nil { numbers[name] = (0...numbers.count).first { !numbers.values.contains($0) }! }
        participants = numbers
        self.answers = answers
    }

    package func trials(of participant: Int) -> [StudyTrial] { order.trials(of: participant) }

    /// The picture of one side of a pair.
    package func picture(_ trial: StudyTrial, _ side: StudyTrial.Side) -> StudyPicture {
        side == trial.changed ? changed[Key(image: trial.image, condition: trial.condition ?? -1)]! : clean[trial.image]!
    }

    /// A picture's file, as it was written.
    ///
    /// - Throws: `Failure.badData` when it is another than it was.
    package func bytes(of picture: StudyPicture) throws -> [UInt8] {
        let path = folder.pictures + "/" + picture.file
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 30)
        guard SHA256.hex(of: bytes) == picture.sha256 else {
            throw Failure.badData("\(path): is not the picture that was planned (its hash differs)", remedy: StudyFolder.again)
        }
        return bytes
    }

    package func forEachAnswer(_ body: (StudyLine) throws -> Void) throws {
        try ChainReader<StudyLine>(folder.log, root: planHash).forEach { line, _ in try body(line) }
    }

    /// Checks every picture's hash, each line's hashes of what was shown, and that the line with the hash `head` is there.
    ///
    /// - Returns: what was found, in words.
    package func verify(head: String?) throws -> String {
        for picture in (Array(clean.values) + Array(changed.values)).sorted(by: { $0.file < $1.file }) { _ = try bytes(of: picture) }
        var search = HeadSearch(head, root: planHash, end: end)
        var orders: [Int: [StudyTrial]] = [:]
        try forEachAnswer { line in
            search.see(previous: line.previous)
            if orders[line.participant] == nil { orders[line.participant] = trials(of: line.participant) }
            let trial = orders[line.participant]![line.trial]
            let other: StudyTrial.Side = trial.changed == .left ? .right : .left
            guard line.changedHash == picture(trial, trial.changed).sha256, line.cleanHash == picture(trial, other).sha256 else {
                throw Failure.badData("\(folder.log):\(line.line + 1): names other pictures than the plan", remedy: LogEnd.remedy)
            }
        }
        try search.require(in: folder.log)
        return "\(end.lines) answers of \(answers.count) people, each follows from the one before; \(clean.count + changed.count) pictures as they were planned\(end.tornText)\nhead \(end.head)"
    }
}
