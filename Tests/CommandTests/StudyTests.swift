import Checkpoints
import Diagnostics
import Foundation
import Images
import TestSupport
import Testing

/// `sipat study plan`: pictures, ranks, mistakes.
@Suite("Studies", .serialized)
struct StudyTests {
    private let folder: TemporaryFolder
    private var run: String { folder.path + "/run" }

    init() throws {
        folder = try TemporaryFolder()
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
    }

    private func plan(_ output: String, ranks: Int = 1, _ flags: String...) throws -> ProgramRun {
        try TinyRun.sipatOnRanks(
            ranks, ["study", "plan", "--weights", "at=\(run),sip-at=\(run)", "--region", "at=all", "--trials", "20", "--steps", "3", "--output", folder.path + "/" + output] + flags)
    }

    private func pixels(_ file: String) throws -> [UInt8] {
        let path = folder.path + "/" + file
        return try ReadableFile.contents(of: path).withUnsafeBytes { try Image.decode($0, name: path, options: .init(channels: .colour)).image.pixels }
    }

    private struct Picture: Decodable {
        var kind: String
        var image: Int
        var index: Int
        var condition: Int?
        var file: String
        var largest: Int
    }

    @Test func picturesAreTheSameOnAnyNumberOfRanks() throws {
        for ranks in [1, 2, 3, 4] {
            let done = try plan("\(ranks)", ranks: ranks, "--epsilons", "2/255,0.05", "--catch", "0.2", "--batch", ranks == 2 ? "5" : "128")
            #expect(done.status == 0 && done.output.contains("20 pairs for each person, 16 under 4 conditions (4 each), 4 catch trials"), "\(done)")
            let (list, first) = try (ReadableFile.contents(of: folder.path + "/\(ranks)/pictures.jsonl"), ReadableFile.contents(of: folder.path + "/1/pictures.jsonl"))
            // It holds every picture's hash.
            #expect(list == first, "\(ranks) ranks")
        }
        let pictures = try ReadableFile.contents(of: folder.path + "/1/pictures.jsonl").split(separator: 0x0A).map { try decodedJSON(Picture.self, from: $0) }
        #expect(pictures.count == 16 * 5 + 4 * 2 && Set(pictures.map(\.index)).count == 20)
        for image in 0..<16 {
            func file(_ condition: Int?) -> String { "1/pictures/" + pictures.first { $0.image == image && $0.condition == condition }!.file }
            let clean = try pixels(file(nil))
            // 0.05 is 12.75 steps: no value is moved by 13.
            for (condition, limit) in [(0, 2), (1, 12), (2, 2), (3, 12)] {
                let moves = try zip(pixels(file(condition)), clean).map { abs(Int($0) - Int($1)) }
                #expect(moves.max()! <= limit && moves.max()! > 0, "image \(image), condition \(condition): \(moves.max()!)")
                let still = stride(from: 0, to: moves.count, by: 3).count { moves[$0] == 0 && moves[$0 + 1] == 0 && moves[$0 + 2] == 0 }
                // The object of a synthetic image stays as it is under SIP-AT's attack; under AT's nothing is spared.
                #expect(condition < 2 ? still < moves.count / 3 / 4 : still > moves.count / 3 / 20, "image \(image), condition \(condition): \(still) pixels stayed")
            }
        }
        for picture in pictures where picture.kind == "planted" { #expect(picture.largest == 64) }
    }

    /// Killed in the middle, then started again on another number of ranks.
    @Test func aKilledPlanGoesOn() throws {
        let flags = ["--split", "train", "--epsilons", "2/255,8/255", "--trials", "60", "--steps", "100", "--batch", "1"]
        let arguments = ["study", "plan", "--weights", "at=\(run),sip-at=\(run)", "--region", "at=all"] + flags
        let whole = try TinyRun.sipatOnRanks(2, arguments + ["--output", folder.path + "/whole"])
        #expect(whole.status == 0, "\(whole)")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try builtProgram("sipat"))
        process.arguments = arguments + ["--output", folder.path + "/killed"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        func lines() -> Int { (try? ReadableFile.contents(of: folder.path + "/killed/unfinished.jsonl").count { $0 == 0x0A }) ?? 0 }
        while process.isRunning, lines() < 5 { usleep(1000) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let there = lines() - 1
        try #require((4..<54).contains(there), "\(there) images were done when it was killed")
        let refused = try TinyRun.sipatOnRanks(1, arguments + ["--seed", "1", "--output", folder.path + "/killed"])
        #expect(refused.status == 64 && refused.errors.contains("unfinished study that was asked for otherwise"), "\(refused)")
        let again = try TinyRun.sipatOnRanks(2, arguments + ["--output", folder.path + "/killed"])
        #expect(again.status == 0 && again.errors.contains("goes on, the pictures of \(there) of 54 images are there"), "\(again)")
        let lists = try ["whole", "killed"].map { try ReadableFile.contents(of: folder.path + "/\($0)/pictures.jsonl") }
        #expect(lists[0] == lists[1])
        #expect(try TinyRun.sipat("study", "verify", folder.path + "/killed").status == 0)
    }

    @Test func mistakesAreTold() throws {
        func complaint(_ flags: [String]) throws -> (Int32, String) {
            let run = try TinyRun.sipatOnRanks(2, ["study", "plan", "--output", folder.path + "/none"] + flags)
            return (run.status, run.errors)
        }
        let weights = ["--weights", "at=\(run)"]
        for (flags, code, text) in [
            (["--weights", run], 64, "has no name"), (["--weights", "a/b=\(run)"], 64, "is not NAME=VALUE"), (weights + ["--trials", "500"], 64, "--trials needs 500 images"),
            (weights + ["--epsilons", "0.001"], 64, "less than one of the 256 steps"), (weights + ["--epsilons", "0"], 64, "less than one"),
            (weights + ["--region", "sip=all"], 64, "--region names sip"), (weights + ["--region", "at=salient"], 64, "expected all or background"),
            (["--weights", "at=\(folder.path)/nothing"], 74, "No such file"), (["--weights", "clean=\(run)"], 64, "other than clean and catch"),
            (["--weights", "at=\(run),at=\(run)"], 64, "names at twice"), (weights + ["--catch", "0.9"], 64, "--catch is 0.9"),
        ] as [([String], Int32, String)] {
            let (status, errors) = try complaint(flags)
            #expect(status == code && errors.contains(text), "\(flags): \(status) \(errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none"))
        _ = try plan("there", "--trials", "4")
        let again = try plan("there", "--trials", "4")
        #expect(again.status == 64 && again.errors.contains("is there and is not empty"), "\(again)")
        let weightless = try TinyRun.sipat("study", "results", folder.path)
        #expect(weightless.status == 74 && weightless.errors.contains("is no study"), "\(weightless)")
    }

    /// `review plan --results` takes an evaluation's folder as it takes its lines, and no other images' evaluation.
    @Test func aReviewTakesWhatAnEvaluationFound() throws {
        let (maps, weights) = (folder.path + "/maps.npy", folder.path + "/weights.safetensors")
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        try FileManager.default.copyItem(atPath: checkpoint.path(of: "weights.safetensors"), toPath: weights)
        func evaluate(_ data: [String], _ flags: [String]) throws {
            let run = try TinyRun.sipatOnRanks(1, ["evaluate", "--split", "train", "--limit", "60", "--epsilons", "0,16/255", "--steps", "3"] + data + flags)
            #expect(run.status == 0, "\(run)")
        }
        func plan(_ name: String, _ flags: String...) throws -> ProgramRun {
            try TinyRun.sipatOnRanks(1, ["review", "plan", "--data", "synthetic", "--maps", maps, "--output", folder.path + "/" + name] + flags)
        }
        let standard = ["--weights", weights, "--model", "cnn", "--width", "4", "--data", "synthetic"]
        try evaluate(standard, ["--output", folder.path + "/evaluation"])
        try evaluate(standard, ["--per-sample", folder.path + "/lines.jsonl"])
        try evaluate(["--weights", run], ["--output", folder.path + "/other"])
        let estimated = try TinyRun.sipat("salience", "estimate", "--data", "synthetic", "--estimator", "centre-prior", "--output", maps)
        #expect(estimated.status == 0, "\(estimated)")
        for (name, flags) in [("plain", []), ("folder", ["--results", folder.path + "/evaluation"]), ("lines", ["--results", folder.path + "/lines.jsonl"])] as [(String, [String])] {
            let planned = try TinyRun.sipatOnRanks(1, ["review", "plan", "--data", "synthetic", "--maps", maps, "--output", folder.path + "/" + name] + flags)
            #expect(planned.status == 0 && planned.output.contains("mistaken") == (name != "plain"), "\(planned)")
        }
        let queues = try ["plain", "folder", "lines"].map { try ReadableFile.contents(of: folder.path + "/\($0)/queue.jsonl") }
        #expect(queues[1] == queues[2] && queues[0] != queues[1])
        let refused = try plan("refused", "--results", folder.path + "/other")
        #expect(refused.status == 64 && refused.errors.contains("not of the images to be reviewed"), "\(refused)")
    }
}
