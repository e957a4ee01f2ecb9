import Diagnostics
import Foundation
import Testing

@Suite struct AtomicFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func theFileIsTheOldOrTheNewAtEveryPoint() throws {
        let path = folder.file("file.json")
        let old: [UInt8] = Array("old contents".utf8)
        let new: [UInt8] = Array("contents that are new".utf8)
        try write(old, to: path)
        let counting = FaultyFileOperations()
        try writeAtomically(new, to: path, using: counting)
        #expect(try bytes(of: path) == new)
        let points = (0..<counting.operations).map(FaultyFileOperations.Point.operation) + (0..<new.count).map(FaultyFileOperations.Point.byte)
        for point in points {
            for fault: FaultyFileOperations.Fault in [.crash, .powerCut, .error(EDQUOT)] {
                try write(old, to: path)
                var error: (any Error)?
                do { try writeAtomically(new, to: path, using: FaultyFileOperations(fault, at: point)) } catch let thrown { error = thrown }
                let found = try bytes(of: path)
                #expect(found == old || found == new, "\(fault) at \(point)")
                #expect(error is Failure, "\(fault) at \(point)")
                if case .error = fault {
                    #expect("\(error!)".contains(path) && "\(error!)".contains("quota"))
                    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file.json"])
                }
            }
        }
    }

    @Test func aFolderThatIsMissingIsNamed() throws {
        let path = folder.file("absent/file.json")
        let found = failure { try writeAtomically([1], to: path) }
        #expect(found?.kind == .inputOutput && found?.remedy?.contains("mkdir -p \(folder.file("absent"))") == true)
    }

    @Test func aFolderInTheWayIsNamed() throws {
        let found = failure { try writeAtomically([1], to: folder.path) }
        #expect(found?.kind == .inputOutput && found?.message.contains(folder.path) == true)
    }

    @Test func devicesAndLinksAreWrittenInPlace() throws {
        try writeAtomically([1], to: "/dev/null")
        #expect(try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType == .typeCharacterSpecial)
        let (target, link) = (folder.file("target"), folder.file("link"))
        try write([1, 2, 3], to: target)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        try writeAtomically([9], to: link)
        #expect(try bytes(of: target) == [9])
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
    func aDeviceThatIsFullIsReported() {
        let found = failure { try writeAtomically([1, 2, 3], to: "/dev/full") }
        #expect(found?.message.contains("No space left on device; it needs 3 bytes") == true)
    }

    @Test func theMessageForEachCauseSaysWhatToDo() {
        for (code, word) in [
            (ENOSPC, "free some space"), (EDQUOT, "quota"), (EROFS, "read-only"), (EACCES, "permissions"), (ENOENT, "mkdir -p /tmp"),
        ] {
            let found = Failure.writing("/tmp/x", bytes: 1_500_000, error: SystemError(code: code, operation: "write", path: "/tmp/x"))
            #expect(found.kind == .inputOutput && found.message.contains("/tmp/x") && found.remedy?.contains(word) == true)
            if code == ENOSPC || code == EDQUOT {
                #expect(found.message.contains("1.5 MB (1,500,000 bytes)") && found.message.contains("free there"))
            }
        }
    }

    @Test(arguments: [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB (1,000 bytes)"), (999_960, "1.0 MB (999,960 bytes)")])
    func numbersOfBytesReadWell(count: Int, text: String) {
        #expect(byteText(count) == text)
    }
}
