import Foundation
import TestSupport
import Testing

/// AutoAttack over images that are neither square nor coloured, with maps by the run's estimator.
@Suite("Evaluations of awkward images", .serialized)
struct AwkwardEvaluationTests {
    private let folder: TemporaryFolder
    private var run: String { folder.path + "/run" }

    /// An IDX set of 20×12 images in three classes: a bright bar at one of three heights.
    init() throws {
        folder = try TemporaryFolder()
        var state: UInt32 = 1
        func noise() -> UInt8 {
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24) / 3
        }
        for (prefix, count) in [("train", 600), ("t10k", 30)] {
            var images = header(2051, [count, 20, 12])
            var labels = header(2049, [count])
            for index in 0..<count {
                let label = index % 3
                labels.append(UInt8(label))
                for y in 0..<20 {
                    for x in 0..<12 { images.append(noise() + ((2 + 6 * label..<7 + 6 * label).contains(y) && (2..<10).contains(x) ? 110 : 0)) }
                }
            }
            try images.write(to: URL(fileURLWithPath: "\(folder.path)/\(prefix)-images-idx3-ubyte"))
            try labels.write(to: URL(fileURLWithPath: "\(folder.path)/\(prefix)-labels-idx1-ubyte"))
        }
        let settings = [
            "data.name=mnist", "data.directory=\(folder.path)", "model.name=cnn", "model.width=8", "epochs=3", "attack.steps=2", "validation.steps=2",
            "schedule.name=constant", "optimizer.lr=0.05", "data.batch=32", "data.microBatch=16", "augmentation.crop=0", "augmentation.flip=false",
            "salience.estimator=centre-prior",
        ]
        let trained = try TinyRun.sipat(["train", "--recipe", "cifar10", "--output", run] + settings.flatMap { ["--set", $0] })
        try #require(trained.status == 0, "\(trained)")
    }

    private func header(_ magic: UInt32, _ sizes: [Int]) -> Data {
        Data(([magic] + sizes.map { UInt32($0) }).flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } })
    }

    @Test func autoAttackOverRegions() throws {
        for (norm, radius) in [("linf", "16/255"), ("l2", "1")] {
            var results: [[UInt8]] = []
            for ranks in [1, 3] {
                let output = "\(folder.path)/\(norm)-\(ranks)"
                let done = try TinyRun.sipatOnRanks(
                    ranks,
                    [
                        "evaluate", "--weights", run, "--attack", "autoattack", "--norm", norm, "--epsilons", radius,
                        "--regions", "all,salient", "--limit", "6", "--keep-images", "--output", output,
                    ])
                #expect(done.status == 0 && done.output.contains("6 images") && done.output.contains("| salient |"), "\(done)")
                results.append(Array(try Data(contentsOf: URL(fileURLWithPath: output + "/result.json"))))
            }
            #expect(results[0] == results[1], "\(norm)")
            let result = try JSONSerialization.jsonObject(with: Data(results[0])) as! [String: Any]
            let shape = ((result["description"] as? [String: Any])?["data"] as? [String: Any])?["shape"] as? [Int]
            #expect(shape == [20, 12, 1] && result["standard"] as? Bool == true)
        }
    }

    @Test func aRegionWithoutPixelsIsRefused() throws {
        // All of each image is salient.
        let output = folder.path + "/empty"
        let refused = try TinyRun.sipatOnRanks(
            2,
            [
                "evaluate", "--weights", run, "--attack", "autoattack", "--epsilons", "8/255", "--regions", "all,background", "--threshold", "1",
                "--coverage", "1", "--output", output,
            ])
        #expect(refused.status == 65 && refused.errors.contains("the region background holds no pixel"), "\(refused)")
        #expect(!FileManager.default.fileExists(atPath: output + "/ledger.jsonl"))
    }
}
