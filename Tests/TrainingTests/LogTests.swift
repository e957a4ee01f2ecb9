import Diagnostics
import Foundation
import Synchronization
import Testing
import Training

@Suite struct MetricsLogTests {
    struct Line: Codable, Equatable {
        var step: Int
        var loss: Double
        var note: String?
    }

    /// A folder that is gone after the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "sipat-metrics-\(UUID().uuidString)"
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var file: String { path + "/metrics.jsonl" }
        func text() throws -> String { String(decoding: try ReadableFile.contents(of: file), as: UTF8.self) }
    }

    @Test func linesAreAppendedInStableOrder() throws {
        let folder = try Folder()
        let log = try MetricsLog(folder: folder.path, after: 0)
        try log.append(Line(step: 1, loss: 0.5, note: "a/b"))
        try log.append(Line(step: 2, loss: .infinity))
        #expect(try folder.text() == "{\"loss\":0.5,\"note\":\"a/b\",\"step\":1}\n{\"loss\":\"inf\",\"step\":2}\n")
    }

    /// What came after the checkpoint goes, and so does a line that a crash cut short; the rest stays to the byte.
    @Test func resumingTruncates() throws {
        let folder = try Folder()
        let good = "{\"step\":1,\"x\": 1}\n{\"step\": 2}\n{\"type\":\"epoch\",\"step\":2}\n"
        try (good + "{\"step\":3}\n{\"step\":4,\"lo").write(toFile: folder.file, atomically: true, encoding: .utf8)
        do {
            let log = try MetricsLog(folder: folder.path, after: 2)
            #expect(try folder.text() == good)
            try log.append(Line(step: 3, loss: 1))
        }
        #expect(try folder.text() == good + "{\"loss\":1,\"step\":3}\n")
        _ = try MetricsLog(folder: folder.path, after: 9)
        #expect(try folder.text() == good + "{\"loss\":1,\"step\":3}\n")
        _ = try MetricsLog(folder: folder.path, after: 0)
        #expect(try folder.text() == "")
        // Nothing is left beside it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["metrics.jsonl"])
    }

    /// A run that was stopped after the last step of an epoch, and then crashed after it had logged the epoch.
    @Test func theEpochUnderWayIsNotLoggedTwice() throws {
        let folder = try Folder()
        let good = "{\"type\":\"epoch\",\"epoch\":0,\"step\":2}\n{\"type\":\"step\",\"epoch\":1,\"step\":4}\n"
        try (good + "{\"type\":\"epoch\",\"epoch\":1,\"step\":4}\n").write(toFile: folder.file, atomically: true, encoding: .utf8)
        _ = try MetricsLog(folder: folder.path, after: 4, epoch: 1)
        #expect(try folder.text() == good)
    }

    /// What the state of the checkpoint says again is not kept beside it.
    @Test func aCollapseIsNotLoggedTwice() throws {
        let folder = try Folder()
        let good = "{\"type\":\"epoch\",\"epoch\":0,\"step\":2}\n"
        try (good + "{\"type\":\"collapse\",\"epoch\":0,\"step\":2}\n").write(toFile: folder.file, atomically: true, encoding: .utf8)
        _ = try MetricsLog(folder: folder.path, after: 2, epoch: 1)
        #expect(try folder.text() == good)
    }

    @Test func damagedLinesAreDropped() throws {
        let folder = try Folder()
        try "not json\n{\"loss\":1}\n{\"step\":\"x\"}\n\n{\"step\":1}\n\u{0}\n".write(toFile: folder.file, atomically: true, encoding: .utf8)
        _ = try MetricsLog(folder: folder.path, after: 5)
        #expect(try folder.text() == "{\"step\":1}\n")
    }

    /// The disk fills up while the log is written, or while it is cut back for a resumed run.
    @Test func aFullDiskIsAFailure() throws {
        let folder = try Folder()
        let log = try MetricsLog(folder: folder.path, after: 0, using: FullDisk(holds: 25))
        try log.append(Line(step: 1, loss: 1))
        let error = #expect(throws: Failure.self) { try log.append(Line(step: 2, loss: 2)) }
        #expect(error?.kind == .inputOutput && error?.message.contains("metrics.jsonl") == true, "\(String(describing: error))")
        #expect(error?.remedy?.contains("free some space") == true, "\(String(describing: error))")

        let before = try folder.text()
        #expect(throws: Failure.self) { try MetricsLog(folder: folder.path, after: 1, using: FullDisk(holds: 0)) }
        #expect(try folder.text() == before)
        _ = try MetricsLog(folder: folder.path, after: 1)
        #expect(try folder.text() == "{\"loss\":1,\"step\":1}\n")
    }

    @Test func aMissingFolderIsAFailure() {
        #expect(throws: Failure.self) { try MetricsLog(folder: "/nowhere/at/all", after: 0) }
    }
}

/// A disk with room for a few bytes; a write that does not fit leaves its beginning.
private final class FullDisk: FileOperations {
    private let disk = PosixFileOperations()
    private let room: Mutex<Int>
    init(holds bytes: Int) { room = Mutex(bytes) }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        let fits = room.withLock { room in
            defer { room -= min(room, bytes.count) }
            return min(room, bytes.count)
        }
        try disk.write(UnsafeRawBufferPointer(rebasing: bytes[..<fits]), to: descriptor, path: path)
        if fits < bytes.count { throw SystemError(code: ENOSPC, operation: "write", path: path) }
    }

    func makeDirectory(_ path: String) throws { try disk.makeDirectory(path) }
    func create(_ path: String) throws -> Int32 { try disk.create(path) }
    func synchronize(_ descriptor: Int32, path: String) throws { try disk.synchronize(descriptor, path: path) }
    func close(_ descriptor: Int32, path: String) throws { try disk.close(descriptor, path: path) }
    func synchronizeDirectory(_ path: String) throws { try disk.synchronizeDirectory(path) }
    func rename(_ source: String, to target: String) throws { try disk.rename(source, to: target) }
    func removeFile(_ path: String) throws { try disk.removeFile(path) }
    func removeDirectory(_ path: String) throws { try disk.removeDirectory(path) }
}

@Suite struct ProgressLineTests {
    private final class Output { var text = "" }

    /// Steps of one second each, with a pause before some; returns what was written.
    private func run(isTerminal: Bool, width: Int = 200, interval: Double = 10, _ body: (inout ProgressLine) -> Void) -> String {
        let output = Output()
        var line = ProgressLine(isTerminal: isTerminal, width: width, interval: interval) { output.text += $0 }
        body(&line)
        return output.text
    }

    private func step(_ line: inout ProgressLine, _ step: Int, seconds: Double = 1, now: Double, samples: Int = 64) {
        line.show(
            epoch: 1, epochs: 3, step: step, steps: 100, loss: 1.25, accuracy: 0.5, samples: samples, seconds: seconds,
            remaining: 199 - step, now: now)
    }

    @Test func plainLinesComeSeldomAndNotesAlways() {
        let text = run(isTerminal: false) { line in
            for i in 0..<25 { step(&line, i, now: 100 + Double(i)) }
            line.note("epoch 2: done")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 5 && lines.last == "", "\(text)")
        #expect(lines[0] == "epoch 2/3  step 1/100  loss 1.2500  accuracy 50.00 %  64.0 images/s  3m 19s left")
        #expect(lines[1] == "epoch 2/3  step 11/100  loss 1.2500  accuracy 50.00 %  64.0 images/s  3m 09s left")
        #expect(lines[3] == "epoch 2: done")
        #expect(!text.contains("\r"))
    }

    @Test func aTerminalShowsOneLineAndCoversItsRest() {
        let text = run(isTerminal: true) { line in
            step(&line, 0, now: 0)
            step(&line, 1, now: 0.05)
            step(&line, 99, now: 1)
            line.note("short")
            line.note("next")
        }
        let parts = text.split(separator: "\r")
        #expect(parts.count == 4 && parts[0].contains("step 1/100") && parts[1].contains("step 100/100"), "\(text)")
        // The second is as long as the first at least; the note covers all of it.
        #expect(parts[1].count >= parts[0].count)
        #expect(parts[2].hasPrefix("short ") && parts[2].count == max(parts[0].count, parts[1].trimmingSuffix.count) + 1)
        #expect(parts[2].hasSuffix("\n") && parts[3] == "next\n")
    }

    @Test func aNarrowTerminalGetsShortLines() {
        func parts(width: Int) -> [Substring] {
            run(isTerminal: true, width: width) { line in
                step(&line, 0, now: 0)
                line.note(String(repeating: "n", count: 60))
            }.split(separator: "\r")
        }
        let short = parts(width: 60)
        #expect(short[0] == "2/3 1/100  loss 1.25  50.00 %  64.0/s  3m 19s left")
        #expect(short[1].count == 61)
        #expect(parts(width: 20)[0] == "2/3 1/100  loss 1.2")
        #expect(parts(width: 100)[0].contains("images/s  3m 19s left"))
    }

    /// The time left follows the steps' own time: neither a slow first step nor a pause between steps counts.
    @Test func timeLeftIsThatOfSteps() {
        let text = run(isTerminal: false, interval: 0) { line in
            step(&line, 0, seconds: 60, now: 0)
            for i in 1..<20 { step(&line, i, seconds: 2, now: 1000 * Double(i)) }
            for i in 20..<99 { step(&line, i, seconds: 0.5, now: 50_000 + Double(i)) }
        }
        let lines = text.split(separator: "\n")
        #expect(lines[0].hasSuffix("1.1 images/s  3h 19m left"))
        for i in 1..<20 { #expect(lines[i].contains("32.0 images/s") && lines[i].hasSuffix(" \(duration(2 * Double(199 - i))) left")) }
        // The mean follows a change of pace within some tens of steps.
        #expect(lines[98].hasSuffix("  51s left") || lines[98].hasSuffix("  52s left"), "\(lines[98])")
    }

    /// A short last batch changes the rate no more than its share.
    @Test func theRateCountsImages() {
        let text = run(isTerminal: false, interval: 0) { line in
            for i in 0..<10 { step(&line, i, now: Double(i), samples: 64) }
            step(&line, 10, seconds: 0.25, now: 20, samples: 16)
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.contains("64.0 images/s") }, "\(text)")
    }

    @Test func durations() {
        #expect([0, 59.4, 59.6, 61, 3599.6, 18_420, .infinity, -1].map(duration) == ["0s", "59s", "1m 00s", "1m 01s", "1h 00m", "5h 07m", "?", "?"])
        #expect(percent(0.0938) == " 9.38 %" && percent(1) == "100.00 %" && decimal(1.23456, 2) == "1.23")
    }
}

extension StringProtocol {
    fileprivate var trimmingSuffix: SubSequence { self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)] }
}
