import Foundation
import Interchange
import TestSupport
import Testing

@Suite struct EventTests {
    @Test func checksums() {
        // RFC 3720, B.4, and the one that everybody quotes.
        #expect(CRC32C.value(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.value([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA && CRC32C.value([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.value(0..<32) == 0x46DD_794E)
        #expect(CRC32C.masked([]) == 0xA282_EAD8)
    }

    /// The bytes of a record, by hand.
    @Test func eventFiles() {
        var file = EventFile(time: 1)
        let version: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0, 0x1A, 13] + Array("brain.Event:2".utf8)
        #expect(Array(file.bytes[0..<8]) == [26, 0, 0, 0, 0, 0, 0, 0] && Array(file.bytes[12..<38]) == version && file.bytes.count == 42)
        file.addScalar("a", step: 300, 0.5)
        let scalar: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x10, 0xAC, 0x02, 0x2A, 10, 0x0A, 8, 0x0A, 1, 0x61, 0x15, 0, 0, 0, 0x3F]
        #expect(Array(file.bytes[54..<54 + scalar.count]) == scalar && file.bytes.count == 54 + scalar.count + 4)
    }

    /// What is written is read, up to the first byte that is not as it was.
    @Test func eventsAreReadAsFarAsTheyAreWhole() {
        var bytes = EventRecord.fileVersion(time: 2.5)
        bytes += EventRecord.scalars([("train/loss", 1.25), ("train/accuracy", 0.5)], step: 7, time: 3)
        let second = bytes.count
        bytes += EventRecord.restart(step: 8, time: 4)
        bytes += EventRecord.scalars([("epoch/loss", -2)], step: 300, time: 5)
        let read = EventReader(bytes)
        #expect(read.wholeBytes == bytes.count && read.events.map(\.step) == [0, 7, 8, 300] && read.events.map(\.time) == [2.5, 3, 4, 5])
        #expect(read.events[0].fileVersion == "brain.Event:2" && read.events.map(\.isRestart) == [false, false, true, false])
        #expect(read.events[1].scalars.map { "\($0.tag) \($0.value)" } == ["train/loss 1.25", "train/accuracy 0.5"])
        #expect(read.events[1].end == second && read.events[3].scalars.map(\.value) == [-2])
        for cut in second..<bytes.count {
            let part = EventReader(Array(bytes[..<cut]))
            #expect(part.events.count == (cut < read.events[2].end ? 2 : 3) && part.wholeBytes == part.events.last!.end)
        }
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x10
            let found = EventReader(damaged)
            #expect(found.events == Array(read.events.prefix(found.events.count)) && found.wholeBytes <= place, "byte \(place)")
        }
    }

    /// The program for which it is all done.
    @Test(.enabled(if: python(has: "tensorboard"), "needs Python with tensorboard (SIPAT_PYTHON)"))
    func tensorBoardReadsThem() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var bytes = EventRecord.fileVersion(time: 1)
        for step in 1...4 { bytes += EventRecord.scalars([("train/loss", Double(step) / 4), ("train/accuracy", 1)], step: step, time: Double(step)) }
        // The run went back to step 2.
        bytes += EventRecord.restart(step: 3, time: 5) + EventRecord.scalars([("train/loss", 9)], step: 3, time: 6)
        try Data(bytes).write(to: folder.appendingPathComponent("events.out.tfevents.1.sipat"))
        let script = """
            import sys
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            events = EventAccumulator(sys.argv[1]).Reload()
            print([(tag, [(e.step, e.value) for e in events.Scalars(tag)]) for tag in sorted(events.Tags()["scalars"])])
            """
        let run = try ProgramRun.of(pythonProgram, ["-c", script, folder.path], timeout: 120)
        #expect(run.output == "[('train/accuracy', [(1, 1.0), (2, 1.0)]), ('train/loss', [(1, 0.25), (2, 0.5), (3, 9.0)])]\n", "\(run)")
    }
}
