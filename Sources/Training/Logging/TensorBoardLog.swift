import Diagnostics
import Foundation
import Interchange

/// `events.out.tfevents.…` of a run: the numbers of `metrics.jsonl` for TensorBoard, and for what reads its files.
///
/// Each process of a run writes a file of its own: TensorBoard reads a folder's files in the order of their names, and does
/// not look at one again once there is a later. What a run that is resumed from an earlier step will write again is cut from
/// the older files, and a reader that has seen it already is told.
final class TensorBoardLog {
    private static let prefix = "events.out.tfevents."
    private static let suffix = ".sipat"

    private let path: String
    private let files: any FileOperations
    private let descriptor: Int32

    /// - Parameters:
    ///   - step: steps taken so far; events of later ones are removed.
    ///   - hasEpoch: whether the epoch that ends with `step` is over; else its own events are removed, too.
    init(folder: String, after step: Int, hasEpoch: Bool, using files: any FileOperations) throws {
        self.files = files
        let older = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasPrefix(Self.prefix) && $0.hasSuffix(Self.suffix) }
        for name in older { try Self.cut("\(folder)/\(name)", after: step, hasEpoch: hasEpoch, using: files) }
        let last = older.compactMap { Int($0.dropFirst(Self.prefix.count).dropLast(Self.suffix.count)) }.max() ?? 0
        let number = "\(max(Int(Self.now), last + 1))"
        path = "\(folder)/\(Self.prefix)\(String(repeating: "0", count: max(0, 10 - number.count)))\(number)\(Self.suffix)"
        do {
            descriptor = try files.create(path)
        } catch {
            throw Failure.writing(path, error: error)
        }
        try append(EventRecord.fileVersion(time: Self.now) + (older.isEmpty ? [] : EventRecord.restart(step: step + 1, time: Self.now)))
    }

    deinit { close(descriptor) }

    func append(_ line: StepLine) throws {
        try append(
            [
                ("train/loss", line.loss), ("train/accuracy", line.accuracy), ("train/learning_rate", Double(line.learningRate)),
                ("train/images_per_second", line.imagesPerSecond),
            ], step: line.step)
    }

    /// Its tags begin with `epoch/` or `validation/`.
    func append(_ line: EpochLine) throws {
        var values = [("epoch/loss", line.loss), ("epoch/accuracy", line.accuracy), ("epoch/seconds", line.seconds)]
        if let clean = line.cleanAccuracy { values.append(("validation/clean_accuracy", clean)) }
        if let robust = line.robustAccuracy { values.append(("validation/robust_accuracy", robust)) }
        try append(values, step: line.step)
    }

    /// Returns when all events so far are on the disk.
    func synchronize() throws {
        do { try files.synchronize(descriptor, path: path) } catch { throw Failure.writing(path, error: error) }
    }

    private func append(_ values: [(tag: String, value: Double)], step: Int) throws {
        try append(EventRecord.scalars(values, step: step, time: Self.now))
    }

    private func append(_ bytes: [UInt8]) throws {
        do {
            try bytes.withUnsafeBytes { try files.write($0, to: descriptor, path: path) }
        } catch {
            throw Failure.writing(path, bytes: bytes.count, error: error)
        }
    }

    private static var now: Double { Date().timeIntervalSince1970 }

    /// Removes what will be written again; a file of which nothing else remains goes.
    private static func cut(_ path: String, after step: Int, hasEpoch: Bool, using files: any FileOperations) throws {
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 32)
        var (end, holds) = (0, false)
        for event in EventReader(bytes).events {
            if !event.scalars.isEmpty {
                let isEpoch = event.scalars[0].tag.hasPrefix("epoch/")
                guard event.step < step || event.step == step && (hasEpoch || !isEpoch) else { break }
                holds = true
            }
            end = event.end
        }
        guard end < bytes.count || !holds else { return }
        do {
            if holds {
                guard truncate(path, off_t(end)) == 0 else { throw SystemError(code: errno, operation: "truncate", path: path) }
            } else {
                try files.removeFile(path)
            }
        } catch {
            throw Failure.writing(path, error: error)
        }
    }
}
