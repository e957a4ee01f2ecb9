import Diagnostics
import Foundation

/// A study that people are at. Everybody has pairs of their own; answers are taken in their order.
package actor StudyService: PageService {
    /// Pairs that a page may hold: the one shown and the next two.
    static let held = 3
    static let idleSeconds = 20.0

    /// What the page and the server say to each other.
    package enum Messages {
        package struct Session: Encodable {
            package var person: String
            /// The plan's hash: what a tab still has to send belongs to one study.
            package var plan: String
            package var width: Int
            package var height: Int
            package var scale: Int
            /// Nil: the page's own words.
            package var instructions: String?
            package var keys: [String: String]
            package var idleSeconds: Double
            package var progress: Progress
        }

        package struct Progress: Encodable {
            package var done: Int
            package var total: Int
        }

        /// Pairs by number. They do not tell which side is changed, nor how.
        package struct Next: Encodable {
            package var trials: [Int]
            package var progress: Progress
        }

        package struct Choice: Decodable {
            package var trial: Int
            package var id: String
            package var answer: StudyTrial.Side
            package var activeMilliseconds: Int
            package var display: StudyLine.Display?
            package var page: String?

            package init(trial: Int, id: String, answer: StudyTrial.Side, activeMilliseconds: Int) {
                (self.trial, self.id, self.answer, self.activeMilliseconds) = (trial, id, answer, activeMilliseconds)
            }
        }

        package struct Saved: Encodable {
            package var line: Int
            package var progress: Progress
        }
    }

    private nonisolated let study: Study
    private let people: [String]
    /// By person: their number in the study, their pairs, and the ids of their answers with the log's lines.
    private let numbers: [Int]
    private let trials: [[StudyTrial]]
    private var answers: [[String]]
    private let log: ChainWriter<StudyLine>
    private let instructions: String?
    private let keys: [String: String]

    /// - Parameter people: those with a token, in their order; the study was opened with them.
    package init(_ study: Study, people: [String]) throws {
        self.study = study
        self.people = people
        numbers = people.map { study.participants[$0] ?? 0 }
        trials = numbers.map { study.trials(of: $0) }
        answers = numbers.map { study.answers[$0] ?? [] }
        log = try ChainWriter(study.folder.log, end: study.end)
        instructions = try study.plan.instructionsHash.map { _ in String(decoding: try ReadableFile.contents(of: study.folder.instructions, limit: 1 << 20), as: UTF8.self) }
        keys = try PageKeys.read(study.folder.keys, actions: PageKeys.study, example: "{\"f\": \"left\", \"j\": \"right\"}")
    }

    nonisolated var files: [String: Answer] {
        [
            "/": .page(PackageResources.study_html), "/style.css": .style(PackageResources.style_css), "/server.js": .script(PackageResources.server_js),
            "/words.js": .script(PackageResources.words_js), "/study-words.js": .script(PackageResources.study_words_js), "/study.js": .script(PackageResources.study_js),
        ]
    }

    func answer(_ request: PageRequest, path: [Substring], person: Int) async throws -> Answer {
        switch (request.method, path.first, path.count) {
        case ("POST", "session", 1): return try .json(session(person))
        case ("POST", "next", 1): return try .json(next(person))
        case ("POST", "answer", 1): return try .json(try take(try request.message(), person))
        case ("GET", "picture", 3): return .png(try picture(path[1], path[2], person))
        default: throw Refusal(status: 404, text: "there is no such page")
        }
    }

    package func session(_ person: Int) -> Messages.Session {
        Messages.Session(
            person: people[person], plan: study.planHash, width: study.plan.width, height: study.plan.height, scale: study.plan.settings.scale, instructions: instructions,
            keys: keys, idleSeconds: StudyService.idleSeconds, progress: progress(person))
    }

    package func next(_ person: Int) -> Messages.Next { Messages.Next(trials: Array(open(person)), progress: progress(person)) }

    /// Writes an answer to the disk, then says so.
    package func take(_ message: Messages.Choice, _ person: Int) throws -> Messages.Saved {
        guard trials[person].indices.contains(message.trial) else { throw Refusal(status: 400, text: "there is no such pair") }
        guard (8...64).contains(message.id.utf8.count), message.activeMilliseconds >= 0,
            message.display.map({ $0.pixelRatio > 0 && $0.pixelRatio < 100 && $0.width >= 0 && $0.height >= 0 }) ?? true
        else { throw Refusal(status: 400, text: "an answer that means nothing") }
        let done = answers[person].count
        if message.trial < done {
            // The answer to the first message was lost on its way.
            guard answers[person][message.trial] == message.id else {
                throw Refusal(status: 409, text: "this pair is already answered, in another window")
            }
            return Messages.Saved(line: log.lines - 1, progress: progress(person))
        }
        guard message.trial == done else { throw Refusal(status: 409, text: "another pair is due first") }
        let trial = trials[person][message.trial]
        let other: StudyTrial.Side = trial.changed == .left ? .right : .left
        var line = StudyLine(
            person: people[person], participant: numbers[person], trial: trial, plan: study.plan, answer: message.answer, id: message.id,
            cleanHash: study.picture(trial, other).sha256, changedHash: study.picture(trial, trial.changed).sha256,
            activeMilliseconds: min(message.activeMilliseconds, 3_600_000))
        (line.display, line.page) = (message.display, message.page.map { String($0.prefix(40)) })
        _ = try log.append(&line)
        answers[person].append(message.id)
        return Messages.Saved(line: line.line, progress: progress(person))
    }

    /// The file of one side of a pair that is due.
    package func picture(_ number: Substring, _ side: Substring, _ person: Int) throws -> [UInt8] {
        guard let number = Int(number), let side = StudyTrial.Side(rawValue: String(side)), open(person).contains(number) else {
            throw Refusal(status: 404, text: "this pair is not due")
        }
        return try study.bytes(of: study.picture(trials[person][number], side))
    }

    private func open(_ person: Int) -> Range<Int> {
        let done = answers[person].count
        return done..<min(done + StudyService.held, trials[person].count)
    }

    private func progress(_ person: Int) -> Messages.Progress { .init(done: answers[person].count, total: trials[person].count) }
}
