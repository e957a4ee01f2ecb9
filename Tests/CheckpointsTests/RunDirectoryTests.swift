import Checkpoints
import Diagnostics
import Foundation
import Testing

@Suite struct RunDirectoryTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func anAbsentOrEmptyFolderIsTaken() throws {
        let absent = folder.file("runs/deep/first")
        let run = try RunDirectory(absent, mode: .new)
        #expect(!run.heldRun && run.lockWarning == nil)
        #expect(FileManager.default.fileExists(atPath: absent + "/run.lock"))
        _ = try RunDirectory(folder.path, mode: .new)
    }

    @Test(arguments: ["checkpoints", "metrics.jsonl"]) func anotherRunIsNotOverwritten(trace: String) throws {
        try write([], to: folder.file(trace))
        let found = try #require(failure { _ = try RunDirectory(folder.path, mode: .new) })
        #expect(found.kind == .usage && found.message.contains(folder.path) && found.remedy?.contains("--resume") == true)
        // The refusal must have given the lock back.
        #expect(try RunDirectory(folder.path, mode: .resume).heldRun)
        #expect(try RunDirectory(folder.path, mode: .resumeIfPresent).heldRun)
    }

    @Test func thereMustBeSomethingToResume() throws {
        #expect(failure { _ = try RunDirectory(folder.file("absent"), mode: .resume) }?.kind == .usage)
        #expect(!FileManager.default.fileExists(atPath: folder.file("absent")))
        #expect(failure { _ = try RunDirectory(folder.path, mode: .resume) }?.kind == .usage)
        #expect(try !RunDirectory(folder.file("absent"), mode: .resumeIfPresent).heldRun)
    }

    @Test func aFileInTheWayIsNamed() throws {
        let path = folder.file("file")
        try write([1], to: path)
        #expect(failure { _ = try RunDirectory(path, mode: .new) }?.message.contains("\(path) is a file") == true)
        let found = failure { _ = try RunDirectory(path + "/run", mode: .new) }
        #expect(found?.message.contains("\(path) is a file") == true)
    }

    @Test func twoJobsCannotShareAFolder() throws {
        let path = folder.file("run")
        var first: RunDirectory? = try RunDirectory(path, mode: .new)
        let found = try #require(failure { _ = try RunDirectory(path, mode: .resumeIfPresent) })
        #expect(found.kind == .usage && found.message.contains("in use") && found.message.contains("process \(getpid())"))
        _ = first
        first = nil
        _ = try RunDirectory(path, mode: .resumeIfPresent)
    }
}
