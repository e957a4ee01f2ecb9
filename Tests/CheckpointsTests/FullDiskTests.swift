import Checkpoints
import Diagnostics
import Foundation
import Testing

/// Whether this process may mount a file system.
private let mayMount: Bool = {
    guard let folder = try? TemporaryFolder() else { return false }
    guard run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path)?.status == 0 else { return false }
    return run("umount", folder.path)?.status == 0
}()

@Suite(.enabled(if: mayMount, "needs the right to mount a tmpfs")) struct FullDiskTests {
    @Test func aFullDiskIsReportedAndSpoilsNothing() throws {
        let folder = try TemporaryFolder()
        let mounted = try #require(run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder.path))
        #expect(mounted.status == 0)
        defer { run("umount", folder.path) }
        let store = CheckpointStore(run: folder.path)
        try store.save(step: 1, contents(1))
        let large = CheckpointFile(name: "weights.safetensors", bytes: [UInt8](repeating: 7, count: 1 << 20))
        let found = try #require(failure { try store.save(step: 2, contents(2).filter { $0.name == "state.json" } + [large]) })
        #expect(found.kind == .inputOutput && found.kind.rawValue == 74)
        for part in ["\(store.folder)/step-00000002", "No space left on device", "1.0 MB (1,048,6", "free there"] {
            #expect(found.message.contains(part), "\(part) in \(found.message)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["step-00000001"])
        let latest = try #require(try store.latestValid().checkpoint)
        #expect(try latest.step == 1 && generation(of: latest) == 1)
        // Once there is room again, it goes on.
        try store.save(step: 2, contents(2))
        #expect(try store.latestValid().checkpoint?.step == 2)
        #expect(failure { try writeAtomically([UInt8](repeating: 1, count: 1 << 20), to: folder.file("metrics.json")) }?.kind == .inputOutput)
    }
}
