import Foundation
import Testing

@Suite("What a run would cost", .serialized)
struct EstimateTests {
    @Test func anEstimateWritesNothingAndTellsTimeAndSpace() throws {
        let folder = try TemporaryFolder()
        let arguments = ["train", "--recipe", "synthetic"] + TinyRun.settings.flatMap { ["--set", $0] }
        let result = try TinyRun.sipatOnRanks(2, arguments + ["--set", "ema.decay=0.99", "--estimate", "--budget", "1h"])
        #expect(result.status == 0, "\(result)")
        for text in ["| epoch of 7 steps", "| 2 epochs |", "| core-hours |", "| memory per rank", "| checkpoint |", "Predicted, not measured", "| 4 |", "What 1.00 core-hours buy", "| n-fgsm | attack.name=n-fgsm |", "averaged weights"] {
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

    @Test func contradictionsAreTold() throws {
        let budget = try TinyRun.sipat("train", "--recipe", "synthetic", "--output", "x", "--budget", "1h")
        #expect(budget.status == 64 && budget.errors.contains("--budget is given without --estimate"), "\(budget)")
        let resume = try TinyRun.sipat("train", "--output", "x", "--resume", "--estimate")
        #expect(resume.status == 64 && resume.errors.contains("leave out --resume"), "\(resume)")
    }
}
