import Checkpoints
import Diagnostics
import Digests
import Foundation
import Testing

/// What a checkpoint of `step` holds in these tests; `generation` tells two of the same step apart.
func contents(_ step: Int, generation: Int = 1) -> [CheckpointFile] {
    let values = (0..<10).map { Float(step) * 1000 + Float($0) + Float(generation) / 8 }
    let writer = SafetensorsWriter([SafetensorsTensor(name: "w", shape: [10], floats: { values })])
    return [
        CheckpointFile(name: "weights.safetensors", safetensors: writer),
        CheckpointFile(name: "state.json", bytes: Array("{\"step\": \(step), \"generation\": \(generation)}".utf8)),
    ]
}

/// The generation of a checkpoint whose every file is right, else nil.
func generation(of checkpoint: Checkpoint) throws -> Int? {
    for generation in 1...2 {
        let expected = contents(checkpoint.step, generation: generation)
        guard try checkpoint.contents(of: "state.json") == Array("{\"step\": \(checkpoint.step), \"generation\": \(generation)}".utf8)
        else { continue }
        #expect(checkpoint.files == expected.map(\.name).sorted())
        let values = try SafetensorsFile(checkpoint.path(of: "weights.safetensors")).floats(of: "w")
        return values == (0..<10).map { Float(checkpoint.step) * 1000 + Float($0) + Float(generation) / 8 } ? generation : nil
    }
    return nil
}

@Suite struct CheckpointStoreTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func steps() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.file("checkpoints")).filter { $0.hasPrefix("step-") }.sorted()
    }

    @Test func anEmptyRunHasNone() throws {
        let found = try CheckpointStore(run: folder.path).latestValid()
        #expect(found.checkpoint == nil && found.skipped.isEmpty)
        #expect(try CheckpointStore(run: folder.path).best() == nil)
    }

    @Test func whatIsSavedIsFoundAgain() throws {
        let store = CheckpointStore(run: folder.path)
        let saved = try store.save(step: 1234, contents(1234))
        #expect(saved.checkpoint.path == folder.file("checkpoints/step-00001234") && saved.warnings.isEmpty)
        let found = try store.latestValid()
        #expect(found.checkpoint == saved.checkpoint && found.skipped.isEmpty)
        #expect(try generation(of: saved.checkpoint) == 1)
        #expect(failure { _ = try saved.checkpoint.path(of: "optimizer.safetensors") }?.message.contains("optimizer.safetensors") == true)
    }

    @Test func theLastKAndTheBestAreKept() throws {
        let store = CheckpointStore(run: folder.path, keep: 2)
        try store.save(step: 10, contents(10))
        try store.save(step: 20, contents(20), best: ("accuracy", 0.5))
        for step in [30, 40, 100_000_000, 1_000_000_000] { try store.save(step: step, contents(step)) }
        #expect(try steps() == ["step-00000020", "step-100000000", "step-1000000000"])
        let best = try #require(try store.best())
        #expect(best.record == CheckpointStore.Best(step: 20, metric: "accuracy", value: 0.5))
        #expect(try generation(of: best.checkpoint) == 1)
        #expect(try store.latestValid().checkpoint?.step == 1_000_000_000)
        // Another best: the former may go.
        try store.save(step: 1_000_000_001, contents(1_000_000_001), best: ("accuracy", 0.6))
        #expect(try steps() == ["step-1000000000", "step-1000000001"])
    }

    @Test func everyDamageIsFoundAndTheOneBeforeIsUsed() throws {
        let store = CheckpointStore(run: folder.path)
        try store.save(step: 1, contents(1))
        let newest = try store.save(step: 2, contents(2)).checkpoint
        for name in ["weights.safetensors", "state.json", "manifest.json", "COMPLETE"] {
            let path = newest.path + "/" + name
            let whole = try bytes(of: path)
            var versions: [[UInt8]?] = [nil, [], Array(whole.dropLast()), whole + [0x20]]
            for position in [0, 1, whole.count / 3, whole.count / 2, whole.count - 1] {
                for bit in [0, 7] {
                    var flipped = whole
                    flipped[position] ^= 1 << bit
                    versions.append(flipped)
                }
            }
            for version in versions {
                if let version { try write(version, to: path) } else { try FileManager.default.removeItem(atPath: path) }
                let found = try store.latestValid()
                #expect(found.checkpoint?.step == 1)
                #expect(found.skipped.map(\.path) == [newest.path])
                #expect(found.skipped.first?.reason.message.contains(newest.path) == true)
                try write(whole, to: path)
            }
        }
        #expect(try store.latestValid().checkpoint == newest)
    }

    @Test func aRenamedCheckpointIsNotTakenForALaterOne() throws {
        let store = CheckpointStore(run: folder.path)
        let saved = try store.save(step: 1, contents(1)).checkpoint
        try FileManager.default.copyItem(atPath: saved.path, toPath: folder.file("checkpoints/step-00000009"))
        let found = try store.latestValid()
        #expect(found.checkpoint?.step == 1 && found.skipped.count == 1)
    }

    @Test func aManifestThatNamesFilesElsewhereIsRefused() throws {
        let store = CheckpointStore(run: folder.path)
        let saved = try store.save(step: 1, contents(1)).checkpoint
        let secret = folder.file("secret")
        try write([1, 2, 3], to: secret)
        let manifest = Array(
            #"{"format":1,"step":1,"files":{"../../secret":{"bytes":3,"sha256":"\#(try SHA256.hex(ofFile: secret))"}}}"#.utf8)
        try write(manifest, to: saved.path + "/manifest.json")
        try write(Array((SHA256.hex(of: manifest) + "\n").utf8), to: saved.path + "/COMPLETE")
        #expect(failure { _ = try Checkpoint(verifying: saved.path) }?.message.contains("../../secret") == true)
    }

    @Test func aDamagedCheckpointIsReplacedWhenTheRunComesThereAgain() throws {
        let store = CheckpointStore(run: folder.path, keep: 1)
        try store.save(step: 1, contents(1))
        let second = try CheckpointStore(run: folder.path, keep: 2).save(step: 2, contents(2)).checkpoint
        try write([], to: second.path + "/state.json")
        #expect(try store.latestValid().checkpoint?.step == 1)
        // The run goes on from step 1: whatever it saves now, a good one is there.
        try store.save(step: 1, contents(1, generation: 2))
        #expect(try store.latestValid().checkpoint.map(generation) == 2)
        try store.save(step: 2, contents(2, generation: 2))
        #expect(try store.latestValid().checkpoint.map(generation) == 2)
        #expect(try steps() == ["step-00000002"])
    }

    @Test func savingAnEarlierStepDoesNotRemoveIt() throws {
        let store = CheckpointStore(run: folder.path, keep: 1)
        let later = try store.save(step: 100, contents(100)).checkpoint
        try write([], to: later.path + "/weights.safetensors")
        try store.save(step: 60, contents(60))
        let found = try store.latestValid()
        #expect(found.checkpoint?.step == 60 && found.skipped.count == 1)
    }

    @Test func leftoversAreRemovedByTheNextSave() throws {
        let store = CheckpointStore(run: folder.path)
        try store.save(step: 1, contents(1))
        let leftover = folder.file("checkpoints/.incomplete-step-00000002")
        try FileManager.default.createDirectory(atPath: leftover, withIntermediateDirectories: true)
        try write([1], to: leftover + "/weights.safetensors")
        #expect(try store.latestValid().checkpoint?.step == 1)
        try store.save(step: 2, contents(2))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("checkpoints")).filter { $0.hasPrefix(".") } == [])
    }

    @Test func aDamagedBestIsAnErrorAndAnUnreadableRecordStopsPruning() throws {
        let store = CheckpointStore(run: folder.path, keep: 1)
        let best = try store.save(step: 1, contents(1), best: ("accuracy", 1)).checkpoint
        try write([], to: best.path + "/state.json")
        #expect(failure { _ = try store.best() }?.message.contains("state.json") == true)
        try FileManager.default.removeItem(atPath: best.path)
        #expect(failure { _ = try store.best() }?.message.contains("step 1") == true)
        try store.save(step: 2, contents(2))
        try write([UInt8(ascii: "{")], to: folder.file("checkpoints/best.json"))
        let complaint = failure { _ = try store.best() }?.message ?? ""
        #expect(complaint.contains("best.json") && complaint.contains("not JSON, or cut short") && !complaint.contains("dataCorrupted"), "\(complaint)")
        let saved = try store.save(step: 3, contents(3))
        #expect(saved.warnings.count == 1 && saved.warnings[0].contains("best.json"))
        #expect(try steps() == ["step-00000002", "step-00000003"])
    }
}
