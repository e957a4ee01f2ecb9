import Diagnostics
import Foundation
import TestSupport
import Testing

/// `sipat evaluate --output`: ranks, kills, stops, mistakes.
@Suite("Evaluations with a folder", .serialized)
struct EvaluationFolderTests {
    private let folder: TemporaryFolder
    private var run: String { folder.path + "/run" }

    init() throws {
        folder = try TemporaryFolder()
        #expect(try TinyRun.train(run).status == 0)
    }

    private func evaluate(_ output: String, ranks: Int = 1, _ flags: [String]) throws -> ProgramRun {
        try TinyRun.sipatOnRanks(ranks, ["evaluate", "--output", folder.path + "/" + output] + flags)
    }

    private func asked(_ more: String...) -> [String] {
        ["--weights", run, "--attack", "apgd-ce,apgd-t,fab-t", "--epsilons", "4/255,16/255"] + more
    }

    private func sortedLedger(_ output: String) throws -> [String] {
        String(decoding: try ReadableFile.contents(of: folder.path + "/\(output)/ledger.jsonl"), as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    private func result(_ output: String) throws -> [UInt8] { try ReadableFile.contents(of: folder.path + "/\(output)/result.json") }

    @Test func ranksChangeNothing() throws {
        for ranks in [1, 2, 3, 4] {
            let done = try evaluate("\(ranks)", ranks: ranks, asked("--regions", "all,salient,background,random", "--keep-images"))
            #expect(done.status == 0 && done.output.contains("| random |"), "\(done)")
            #expect(try sortedLedger("\(ranks)") == sortedLedger("1"), "\(ranks) ranks")
            #expect(try result("\(ranks)") == result("1"), "\(ranks) ranks")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/1/images") {
                let images = try ["1", "\(ranks)"].map { try ReadableFile.contents(of: folder.path + "/\($0)/images/\(name)") }
                #expect(images[0] == images[1], "\(name), \(ranks) ranks")
            }
        }
        // In memory the same table comes out.
        let memory = try TinyRun.sipatOnRanks(2, ["evaluate"] + asked("--regions", "all,salient,background,random", "--per-sample", folder.path + "/lines"))
        let lines = String(decoding: try ReadableFile.contents(of: folder.path + "/lines"), as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(try memory.status == 0 && lines.sorted() == sortedLedger("1").filter { !$0.contains("\"ledger\":") }, "\(memory)")
    }

    /// Killed again and again, later each time, and gone on with on other numbers of ranks.
    @Test func killsChangeNothing() throws {
        #expect(try evaluate("whole", asked("--keep-images")).status == 0)
        let program = try builtProgram("sipat")
        let output = folder.path + "/killed"
        var kills = 0
        for attempt in 0..<12 {
            let flags = FileManager.default.fileExists(atPath: output + "/evaluation.json") ? ["--resume"] : asked("--keep-images")
            let seconds = 0.05 * Double(attempt + 1)
            let part = try ProgramRun.of("timeout", ["-s", "KILL", "\(seconds)", program, "evaluate", "--output", output] + flags)
            if part.status == 0 { break }
            #expect(part.status == 137, "\(part)")
            kills += 1
        }
        #expect(kills > 2)
        let rest = try evaluate("killed", ranks: 3, ["--resume"])
        #expect(rest.status == 0, "\(rest)")
        #expect(try sortedLedger("killed") == sortedLedger("whole"))
        #expect(try result("killed") == result("whole"))
    }

    @Test func aSignalOrAFileStopsAllRanks() throws {
        #expect(try evaluate("whole", asked()).status == 0)
        let program = try builtProgram("sipat")
        let output = folder.path + "/stopped"
        let stopped = try ProgramRun.of(
            "bash",
            [
                "-c", "\"$@\" & while [ ! -s '\(output)/ledger.jsonl' ]; do sleep 0.02; done; kill -TERM $(pgrep -n -P $!); wait $!", "bash", "mpirun", "-n", "2",
                "--oversubscribe", program, "evaluate", "--output", output,
            ] + asked(), environment: ProgramRun.launchEnvironment)
        #expect(stopped.status == 75 && stopped.output.contains("go on with: sipat evaluate --output"), "\(stopped)")
        _ = FileManager.default.createFile(atPath: output + "/stop", contents: nil)
        #expect(try evaluate("stopped", ranks: 2, ["--resume"]).status == 75)
        let rest = try evaluate("stopped", ranks: 2, ["--resume"])
        #expect(try rest.status == 0 && sortedLedger("stopped") == sortedLedger("whole") && result("stopped") == result("whole"), "\(rest)")
    }

    @Test(.enabled(if: mayMount, "needs the right to mount a tmpfs"))
    func aFullDiskLosesNothing() throws {
        #expect(try evaluate("whole", asked()).status == 0)
        let disk = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        #expect(try ProgramRun.of("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk]).status == 0)
        defer { _ = try? ProgramRun.of("umount", [disk]) }
        let full = try evaluate("disk/e", ranks: 2, asked())
        #expect(full.status == 74 && full.errors.contains("No space left on device") && full.errors.contains("/disk/e/"), "\(full)")
        #expect(try ProgramRun.of("mount", ["-o", "remount,size=4m", disk]).status == 0)
        let rest = try evaluate("disk/e", ["--resume"])
        #expect(rest.status == 0, "\(rest)")
        #expect(try sortedLedger("disk/e") == sortedLedger("whole") && result("disk/e") == result("whole"))
    }

    @Test func mistakes() throws {
        func expect(_ run: ProgramRun, _ status: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(run.status == status, "\(run)", sourceLocation: sourceLocation)
            for word in words { #expect(run.errors.contains(word), "\(word) is missing in \(run)", sourceLocation: sourceLocation) }
        }
        #expect(try evaluate("a", asked("--limit", "20")).status == 0)
        let before = try result("a")
        expect(try evaluate("a", asked("--limit", "20")), 64, "already holds an evaluation", "--resume")
        expect(try evaluate("a", ["--resume", "--epsilons", "8/255"]), 64, "--epsilons 8/255 beside --resume")
        expect(try evaluate("a", asked("--limit", "30", "--resume")), 64, "images: ")
        expect(try evaluate("none", ["--resume"]), 74, "holds no evaluation")
        // Other weights: both named.
        let other = folder.path + "/other"
        #expect(try TinyRun.train(other, ["seed=5"]).status == 0)
        let foreign = ["--weights", other, "--attack", "apgd-ce,apgd-t,fab-t", "--epsilons", "4/255,16/255", "--limit", "20"]
        expect(try evaluate("a", foreign + ["--resume"]), 64, "model: ", "/run/", "/other/")
        #expect(try evaluate("b", foreign).status == 0)
        try FileManager.default.copyItem(atPath: folder.path + "/b", toPath: folder.path + "/c")
        try FileManager.default.removeItem(atPath: folder.path + "/c/ledger.jsonl")
        try FileManager.default.copyItem(atPath: folder.path + "/a/ledger.jsonl", toPath: folder.path + "/c/ledger.jsonl")
        expect(try evaluate("c", ["--resume"]), 65, "is of the model", "/other/")
        #expect(try result("a") == before)
        // What is asked cannot be done.
        expect(try evaluate("d", asked("--images", "70:90")), 64, "70:90 is outside the data set", "0 to 39")
        try "3\n4\n400\n".write(toFile: folder.path + "/list", atomically: true, encoding: .utf8)
        expect(try evaluate("d", asked("--images", folder.path + "/list")), 65, "400 is outside", "list")
        expect(try evaluate("d", ["--weights", run, "--attack", "autoattack", "--epsilons", "0"]), 64, "no radius but 0")
        expect(try evaluate("d", ["--weights", run, "--attack", "autoatack"]), 64, "did you mean autoattack")
        expect(try evaluate("d", ["--weights", run, "--attack", "autoattack,square"]), 64, "square is there twice")
        expect(try evaluate("run", asked()), 64, "holds a training run")
        expect(try TinyRun.sipat("evaluate", "--weights", run, "--keep-images"), 64, "--keep-images needs --output")
        expect(try TinyRun.sipat("evaluate", "--output", folder.path + "/d"), 64, "--weights is missing")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/d/ledger.jsonl"))
    }

    @Test func listsOfImagesAndComparison() throws {
        try "7 3\n10:12\n".write(toFile: folder.path + "/list", atomically: true, encoding: .utf8)
        let listed = try evaluate("listed", asked("--images", folder.path + "/list"))
        #expect(try listed.status == 0 && listed.output.contains("4 images") && sortedLedger("listed").count { $0.contains("\"attack\":\"clean\"") } == 4, "\(listed)")
        #expect(try evaluate("range", asked("--images", "0:12")).status == 0)
        #expect(try Set(sortedLedger("listed").dropFirst(0).filter { !$0.contains("\"ledger\":") }).isSubset(of: sortedLedger("range")))
        #expect(try evaluate("listed", ranks: 2, ["--resume"]).output.contains("4 images"))
        let (a, b) = (folder.path + "/range", folder.path + "/listed")
        let same = try TinyRun.sipat("compare", "a=\(a)", "b=\(a)")
        #expect(same.status == 0 && same.output.contains("| training | clean | ε = 4/255 | ε = 16/255 |"), "\(same)")
        let different = try TinyRun.sipat("compare", "a=\(a)", "b=\(b)")
        #expect(different.status == 64 && different.errors.contains("images: 3,7,10:12, not 0:12"), "\(different)")
    }

    @Test func transferAndEarlierModels() throws {
        let other = folder.path + "/other"
        #expect(try TinyRun.train(other, ["seed=5"]).status == 0)
        #expect(try evaluate("corpus/v1", ["--weights", other, "--attack", "apgd-ce", "--epsilons", "4/255,16/255", "--keep-images"]).status == 0)
        for ranks in [1, 3] {
            let done = try evaluate(
                "\(ranks)", ranks: ranks, asked("--against", folder.path + "/corpus", "--transfer-from", other))
            #expect(done.status == 0 && done.output.contains("| transfer |") && done.output.contains("beside v1 ("), "\(done)")
            #expect(try result("\(ranks)") == result("1") && sortedLedger("\(ranks)") == sortedLedger("1"))
        }
        #expect(try evaluate("3", ["--resume"]).status == 0)
    }
}
