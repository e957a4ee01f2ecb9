import Foundation
import TestSupport
import Testing

@Suite("What a run would cost", .serialized)
struct EstimateTests {
    @Test func anEstimateWritesNothingAndTellsTimeAndSpace() throws {
        let folder = try TemporaryFolder()
        let arguments = ["train", "--recipe", "synthetic"] + TinyRun.settings.flatMap { ["--set", $0] }
        let result = try TinyRun.sipatOnRanks(2, arguments + ["--set", "ema.decay=0.99", "--estimate", "--budget", "1h"])
        #expect(result.status == 0, "\(result)")
        for text in ["| epoch of 7 steps", "| 2 epochs |", "| core-hours |", "| memory per rank", "| checkpoint |", "Predicted, not measured", "| 4 |", "What 1.00 core-hours buy", "| n-fgsm | attack.name=n-fgsm |", "| PGD-2 | as it is |", "averaged weights"] {
            #expect(result.output.contains(text), "\(text)\n\(result)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        // What takes fewer passes fits more often.
        func epochs(_ method: String) throws -> Int {
            let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("| \(method) |") })
            return try #require(Int(line.split(separator: "|")[4].trimmingCharacters(in: .whitespaces)))
        }
        #expect(try epochs("natural") > epochs("n-fgsm") && epochs("n-fgsm") > epochs("PGD-2, TRADES"))
    }

    /// It has nothing to save: a signal ends it at once, in the middle of a step that would last for minutes.
    @Test func anEstimateCanBeStopped() throws {
        let arguments = ["train", "--recipe", "synthetic", "--set", "attack.steps=100000", "--estimate"]
        let run = try ProgramRun.of("timeout", ["--preserve-status", "0.5", builtProgram("sipat")] + arguments, timeout: 30)
        #expect(run.status == 143 && !run.timedOut, "\(run)")
    }

    /// The files that a run would do without are left out here, too; nothing is recorded.
    @Test func anEstimateLeavesOutWhatARunWould() throws {
        let pictures = try SmallPictures()
        let bad = try #require(try pictures.trainingFile())
        try Data("<html>".utf8).write(to: URL(fileURLWithPath: pictures.images + "/" + bad))
        let settings = [
            "mode=natural", "data.directory=\(pictures.images)", "data.size=16", "data.batch=16", "data.microBatch=4", "model.name=cnn", "model.width=4", "validation.steps=2",
        ]
        let run = try TinyRun.sipat(["train", "--recipe", "images", "--estimate", "--skip-bad"] + settings.flatMap { ["--set", $0] })
        #expect(run.status == 0 && run.errors.contains("1 of 48 train images are left out") && run.output.contains("| checkpoint |"), "\(run)")
        #expect(!FileManager.default.fileExists(atPath: pictures.images + "/left-out.json"))
    }

    @Test func contradictionsAreTold() throws {
        let budget = try TinyRun.sipat("train", "--recipe", "synthetic", "--output", "x", "--budget", "1h")
        #expect(budget.status == 64 && budget.errors.contains("--budget is given without --estimate"), "\(budget)")
        let resume = try TinyRun.sipat("train", "--output", "x", "--resume", "--estimate")
        #expect(resume.status == 64 && resume.errors.contains("leave out --resume"), "\(resume)")
        for length in ["99999999999999999999999h", "1e400", "inf"] {
            let long = try TinyRun.sipat("train", "--recipe", "synthetic", "--estimate", "--budget", length)
            #expect(long.status == 64 && long.errors.contains("--budget"), "\(long)")
        }
    }
}
