import Attacks
import Diagnostics
import Foundation

/// The names in an evaluation's folder.
package enum EvaluationFolder {
    package static let description = "evaluation.json"
    package static let ledger = "ledger.jsonl"
    package static let result = "result.json"

    /// - Throws: `Failure` if the folder holds no evaluation, or its description cannot be read.
    package static func description(in folder: String) throws -> EvaluationDescription {
        let path = folder + "/" + description
        let bytes: [UInt8]
        do { bytes = try ReadableFile.contents(of: path) } catch {
            throw Failure.inputOutput("\(folder): holds no evaluation (\(path) cannot be read)", remedy: "name the folder given to sipat evaluate --output")
        }
        do { return try decodedJSON(EvaluationDescription.self, from: bytes) } catch {
            throw Failure.badData("\(path): is no description of an evaluation: \(decodingComplaint(error))", remedy: "evaluate anew, to another folder")
        }
    }
}

/// An evaluation's folder as others read it: what was asked, what was found of each image, how far it is.
package struct Ledger {
    package let folder: String
    package let description: EvaluationDescription
    package let plan: EvaluationPlan
    /// Indices in the data set, by position.
    package let indices: [Int]
    package private(set) var progress: EvaluationProgress
    package private(set) var sums: LedgerSums
    /// Bytes of the whole lines of the ledger; 0 if it has not been begun.
    package let wholeBytes: Int
    private let phaseOfKey: [EvaluationPlan.Key: Int]
    private let positionOfIndex: [Int: Int]

    /// Reads the folder; a line that was cut off at the ledger's end is passed over.
    ///
    /// - Parameter plan: with the attacks themselves, for a process that goes on; nil to read only.
    /// - Throws: `Failure` if the folder holds no evaluation, or the ledger is another's.
    package init(_ folder: String, plan: EvaluationPlan? = nil) throws {
        self.folder = folder
        description = try EvaluationFolder.description(in: folder)
        let plan = plan ?? EvaluationPlan(reading: description)
        self.plan = plan
        indices = try IndexList.indices(
            description.images, source: "\(folder)/\(EvaluationFolder.description)", count: description.data.count, kind: .badData)
        progress = EvaluationProgress(plan, count: indices.count, norm: description.norm)
        sums = LedgerSums(plan)
        phaseOfKey = plan.phaseOfKey
        positionOfIndex = Dictionary(uniqueKeysWithValues: indices.enumerated().map { ($1, $0) })
        let path = folder + "/" + EvaluationFolder.ledger
        guard FileManager.default.fileExists(atPath: path) else {
            wholeBytes = 0
            progress.begin()
            return
        }
        let reader = try LedgerReader(path)
        wholeBytes = reader.wholeBytes
        if let header = reader.header { try Self.require(header, description, path) }
        try forEachLine(reader) { line, phase, position in
            guard progress.state(phase, position) == .waiting else {
                guard (progress.state(phase, position) == .fell) == line.success else {
                    throw Failure.badData(
                        "\(path): image \(line.index) under \(line.attack) has two lines that contradict each other", remedy: "evaluate anew, to another folder")
                }
                return
            }
            progress.restore(phase, position, line)
            sums.add(line, phase: phase)
        }
        progress.begin()
    }

    /// Calls `body` with each line, in the order of the file: the same set of lines, in another order, for each way in which
    /// the work was shared.
    package func forEachLine(_ body: (LedgerLine) throws -> Void) throws {
        guard wholeBytes > 0 else { return }
        try LedgerReader(folder + "/" + EvaluationFolder.ledger).forEach(body)
    }

    /// All lines: by phase, then by index. Memory grows with the ledger.
    package func sortedLines() throws -> [LedgerLine] {
        var lines: [(phase: Int, line: LedgerLine)] = []
        guard wholeBytes > 0 else { return [] }
        try forEachLine(LedgerReader(folder + "/" + EvaluationFolder.ledger)) { line, phase, _ in lines.append((phase, line)) }
        return lines.sorted { ($0.phase, $0.line.index) < ($1.phase, $1.line.index) }.map(\.line)
    }

    /// Positions of the images that are right and that nothing broke at this radius: those of the headline.
    package func robustPositions(_ epsilon: Float) -> Set<Int> { progress.robustPositions(epsilon) }

    private func forEachLine(_ reader: LedgerReader, _ body: (LedgerLine, _ phase: Int, _ position: Int) throws -> Void) throws {
        try reader.forEach { line in
            guard let phase = phaseOfKey[.init(attack: line.attack, epsilon: line.epsilon, region: line.region)], let position = positionOfIndex[line.index]
            else {
                throw Failure.badData(
                    "\(reader.path): has a line for image \(line.index) under \(line.attack) at radius \(line.epsilon), which \(EvaluationFolder.description) does not ask for",
                    remedy: "the two files do not belong together: evaluate anew, to another folder")
            }
            try body(line, phase, position)
        }
    }

    private static func require(_ header: LedgerHeader, _ description: EvaluationDescription, _ path: String) throws {
        guard header.model == description.model.sha256 else {
            throw Failure.badData(
                "\(path) is of the model \(header.model.prefix(12)), not of \(description.model.weights) (\(description.model.sha256.prefix(12)))",
                remedy: "the ledger was put into another evaluation's folder: put it back")
        }
        guard header.data == description.data.fingerprint else {
            throw Failure.badData(
                "\(path) is of the data \(header.data), not of \(description.data.name) \(description.data.split) (\(description.data.fingerprint))",
                remedy: "the ledger was put into another evaluation's folder: put it back")
        }
        guard header.evaluation == description.hash else {
            throw Failure.badData(
                "\(path) belongs to another evaluation of this model than \(EvaluationFolder.description) beside it describes",
                remedy: "the ledger or the description was replaced: put the right one back")
        }
    }
}
