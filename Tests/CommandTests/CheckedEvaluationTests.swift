import Diagnostics
import Foundation
import TestSupport
import Testing

/// What follows an evaluation with a folder: checks, measures, the report, exports, comparison.
@Suite("Checked evaluations", .serialized)
struct CheckedEvaluationTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        #expect(try TinyRun.train(folder.path + "/run").status == 0)
    }

    private func evaluate(_ output: String, ranks: Int = 1, _ flags: [String]) throws -> ProgramRun {
        try TinyRun.sipatOnRanks(ranks, ["evaluate", "--output", folder.path + "/" + output] + flags)
    }

    private var asked: [String] { ["--weights", folder.path + "/run", "--attack", "apgd-ce,square", "--epsilons", "4/255,16/255", "--regions", "all,salient,random", "--limit", "24"] }

    private func bytes(_ path: String) throws -> [UInt8] { try ReadableFile.contents(of: folder.path + "/" + path) }

    @Test func checksMeasuresAndReport() throws {
        let names = ["checks.json", "measures.json", "statistics.json"]
        for ranks in [1, 3] {
            let done = try evaluate("\(ranks)", ranks: ranks, asked + ["--checks", "--measures"])
            #expect(done.status == 0 && done.output.contains("verdict: ") && done.output.contains("| planted-weakness |"), "\(done)")
            for name in names { #expect(try bytes("\(ranks)/\(name)") == bytes("1/\(name)"), "\(name) on \(ranks) ranks") }
        }
        let page = String(decoding: try bytes("1/report.html"), as: UTF8.self)
        for id in ["results", "curve", "regions", "classes", "confusion", "top", "faults", "hardest", "checks", "provenance"] {
            #expect(page.contains("<section id=\"\(id)\">"), "\(id)")
        }
        #expect(page.contains("data:image/png;base64,") && page.contains("class=\"over\"") && !page.contains("http:") && !page.contains("https:"))

        // Added to a finished evaluation they are the same; what is there is not made again.
        #expect(try evaluate("later", asked).status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/later/checks.json"))
        #expect(String(decoding: try bytes("later/report.html"), as: UTF8.self).contains("was not checked"))
        let result = try bytes("later/result.json")
        #expect(try evaluate("later", ranks: 2, ["--resume", "--checks", "--measures"]).status == 0)
        #expect(try bytes("later/result.json") == result)
        for name in names { #expect(try bytes("later/\(name)") == bytes("1/\(name)"), "\(name)") }
        let again = try evaluate("later", ["--resume", "--checks"])
        #expect(again.status == 0 && again.output.contains("verdict: ") && !again.output.contains("checks: pgd-100"), "\(again)")
        let refused = try TinyRun.sipat("evaluate", "--weights", folder.path + "/run", "--checks")
        #expect(refused.status == 64 && refused.errors.contains("--checks needs --output"), "\(refused)")
    }

    @Test func exports() throws {
        #expect(try evaluate("e", asked + ["--keep-images"]).status == 0)
        let path = folder.path + "/e"
        for (format, file) in [("jsonl", "samples.jsonl"), ("csv", "ledger.csv"), ("tensorboard", "tensorboard/events.out"), ("npy", "npy/adversarial-16_255.npy")] {
            let done = try TinyRun.sipat("evaluate", "export", path, "--format", format)
            #expect(done.status == 0 && done.output.contains("\(path)/\(file)"), "\(done)")
        }
        let elsewhere = try TinyRun.sipat("evaluate", "export", path, "--format", "csv", "--output", folder.path + "/table.csv")
        #expect(try elsewhere.status == 0 && bytes("table.csv") == bytes("e/ledger.csv"))
        let robustBench = try TinyRun.sipat("evaluate", "export", path, "--format", "robustbench", "--epsilon", "4/255")
        #expect(robustBench.status == 64 && robustBench.errors.contains("AutoAttack as published"), "\(robustBench)")
        let unknown = try TinyRun.sipat("evaluate", "export", path, "--format", "tensorbord")
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean tensorboard?"), "\(unknown)")
        let nothing = try TinyRun.sipat("evaluate", "export", folder.path, "--format", "csv")
        #expect(nothing.status == 74 && nothing.errors.contains("holds no evaluation"), "\(nothing)")
        // The plain command goes on working beside its subcommand.
        let plain = try TinyRun.sipat("evaluate", "--weights", folder.path + "/run", "--limit", "8", "--epsilons", "0,4/255", "--steps", "2")
        #expect(plain.status == 0 && plain.output.contains("| 4/255 |"), "\(plain)")
    }

    @Test func comparison() throws {
        #expect(try TinyRun.train(folder.path + "/other", ["seed=5", "mode=natural"]).status == 0)
        #expect(try evaluate("a", asked).status == 0)
        #expect(try evaluate("b", ["--weights", folder.path + "/other"] + asked.dropFirst(2)).status == 0)
        let table = try TinyRun.sipat("compare", "a=\(folder.path)/a", "b=\(folder.path)/b")
        #expect(table.status == 0 && table.output.contains("| b − a | 16/255 |") && table.output.contains("McNemar"), "\(table)")
        // A model beside itself.
        let same = try TinyRun.sipat("compare", "a=\(folder.path)/a", "c=\(folder.path)/a")
        #expect(same.output.contains("| 0, 0 | 1.0000 |"), "\(same)")
        #expect(try evaluate("few", asked.dropLast() + ["20"]).status == 0)
        let refused = try TinyRun.sipat("compare", "a=\(folder.path)/a", "few=\(folder.path)/few")
        #expect(refused.status == 64 && refused.errors.contains("images: "), "\(refused)")
    }
}
