import Diagnostics
import Digests
import Foundation

/// One image's pictures, and what 8 bits did to them.
package struct StudyPart: Codable, Hashable, Sendable {
    /// The image's place in the study.
    package var image: Int
    package var pictures: [StudyPicture]
    /// One per condition, of this image alone.
    package var roundings: [StudyPlan.Rounding]
}

/// What is there of a study whose plan is not written yet, so that a killed `sipat study plan` goes on where it stopped:
/// `unfinished.jsonl`, a line that says what was asked for, then one for each image whose pictures are on the disk.
final class UnfinishedStudy {
    private struct Start: Codable {
        /// Of everything that the pictures depend on.
        var key: String
        var when: String
        var arguments: [String]
    }

    private let path: String
    private let descriptor: Int32
    private let files = PosixFileOperations()
    /// Images whose pictures are there, in the order in which they were made.
    private(set) var parts: [StudyPart] = []

    /// Takes up what is there, or begins.
    ///
    /// - Parameter draft: the plan without what only its end knows.
    /// - Throws: `Failure` when the folder holds something else, another program is at it, or something else was asked for then.
    init(_ folder: StudyFolder, draft: StudyPlan) throws {
        path = folder.unfinished
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        guard names.isEmpty || names.contains(pathName(path)) && !names.contains(pathName(folder.plan)) else {
            throw Failure.usage("\(folder.path) is there and is not empty", remedy: "name another folder: answers are never overwritten")
        }
        try makeFolders(folder.pictures)
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure.usage("another sipat study plan is at \(folder.path)", remedy: "wait for it, or name another folder")
        }
        try removeIncomplete(folder)
        let start = Start(key: try UnfinishedStudy.key(draft), when: draft.when, arguments: draft.arguments)
        let kept = try take(folder, draft, start.key)
        guard ftruncate(descriptor, off_t(kept)) == 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "cut", path: path)) }
        if kept == 0 { try append(start) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Notes an image whose pictures are on the disk. The line itself may be lost in a crash of the machine: then they are made again.
    func add(_ part: StudyPart) throws {
        try append(part)
        parts.append(part)
    }

    /// Removes the file, once there is a plan.
    func end() { unlink(path) }

    private func append(_ line: some Encodable) throws {
        let bytes = try jsonBytes(line, .line)
        do { try bytes.withUnsafeBytes { try files.write($0, to: descriptor, path: path) } } catch { throw Failure.writing(path, bytes: bytes.count, error: error) }
    }

    /// Reads the lines up to the first that is torn, or whose pictures are not what it says.
    ///
    /// - Returns: the bytes up to there.
    private func take(_ folder: StudyFolder, _ draft: StudyPlan, _ key: String) throws -> Int {
        let bytes = try ReadableFile.contents(of: path, limit: 4 << 30)
        var (kept, place) = (0, 0)
        while let newline = bytes[place...].firstIndex(of: 0x0A) {
            let line = bytes[place..<newline]
            place = newline + 1
            if kept == 0 {
                guard let start = try? decodedJSON(Start.self, from: line) else { return 0 }
                guard start.key == key else {
                    throw Failure.usage(
                        "\(folder.path) holds an unfinished study that was asked for otherwise, or from other weights, images or another version: sipat \(start.arguments.joined(separator: " ")) (\(start.when))",
                        remedy: "ask for the same to go on with it, or name another folder")
                }
            } else {
                guard let part = try? decodedJSON(StudyPart.self, from: line), isWhole(part, folder, draft) else { return kept }
                parts.append(part)
            }
            kept = place
        }
        return kept
    }

    private func isWhole(_ part: StudyPart, _ folder: StudyFolder, _ draft: StudyPlan) -> Bool {
        guard (0..<draft.settings.tests).contains(part.image), !parts.contains(where: { $0.image == part.image }), part.roundings.count == draft.conditions.count,
            part.pictures.count == draft.conditions.count + 1
        else { return false }
        return part.pictures.allSatisfy { picture in
            !picture.file.contains("/") && (try? SHA256.hex(ofFile: folder.pictures + "/" + picture.file)) == picture.sha256
        }
    }

    /// What was being written when it was killed.
    private func removeIncomplete(_ folder: StudyFolder) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.pictures) where name.hasPrefix(incompletePrefix) { unlink(folder.pictures + "/" + name) }
    }

    private static func key(_ draft: StudyPlan) throws -> String {
        var draft = draft
        (draft.when, draft.arguments, draft.notes) = ("", [], [])
        return SHA256.hex(of: try jsonBytes(draft, .line))
    }
}
