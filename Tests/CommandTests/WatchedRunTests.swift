import Foundation
import Testing

/// A learning rate that grows until the model breaks: what the watch does about it.
@Suite("A watched run")
struct WatchedRunTests {
    private let settings = [
        "mode=at", "attack.name=fgsm-rs", "attack.epsilon=1/255", "optimizer.lr=6", "schedule.name=cosine", "schedule.warmupEpochs=11", "epochs=12",
        "synthetic.train=2400", "data.validation=0.2", "data.microBatch=16", "model.width=8", "watch.images=200", "watch.every=3", "watch.drop=0.3", "checkpoint.keep=1",
    ]

    /// It goes back to the epoch at which the watch last saw nothing bad, whatever became of its checkpoint's neighbours, says so, and
    /// stays there; on two ranks as on one.
    @Test func goesBackToTheLastGoodCheckpoint() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let result = try TinyRun.train(run, settings)
        #expect(result.status == 0 && result.output.contains("stopped for good: catastrophic overfitting"), "\(result)")
        let watched = try TinyRun.lines(run).filter { $0["watched"] != nil }
        let step = try #require(watched.last?["step"] as? Int)
        #expect(step > 0 && result.output.contains("the weights are those after epoch \(step / 60), step \(step)"), "\(result)")
        let weights = try TinyRun.weights(run)
        #expect(weights.hasPrefix("\(step) "))
        // Nothing of what was taken back is left in the log, but that it was; the best checkpoint and the card speak of what there is.
        let (lines, metrics) = (try TinyRun.lines(run), try TinyRun.metrics(run))
        let last = try #require(lines.last)
        #expect(last["type"] as? String == "collapse" && last["step"] as? Int == step && last["epoch"] as? Int == step / 60 - 1, "\(last)")
        #expect((last["collapse"] as? String)?.contains("catastrophic overfitting") == true && lines.count { $0["type"] as? String == "collapse" } == 1)
        #expect(lines.allSatisfy { ($0["step"] as? Int)! <= step })
        let best = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: run + "/checkpoints/best.json"))) as! [String: Any]
        let bestLine = try #require(lines.first { $0["type"] as? String == "epoch" && $0["step"] as? Int == best["step"] as? Int })
        #expect(best["metric"] as? String == "validation.clean" && best["value"] as? Double == bestLine["cleanAccuracy"] as? Double, "\(best)")
        let card = try String(contentsOfFile: run + "/model-card.md", encoding: .utf8)
        #expect(card.contains("Stopped for good: catastrophic overfitting") && card.contains("kept as the best, epoch \((bestLine["epoch"] as! Int) + 1) "), "\(card)")
        #expect(card.contains("| Weights | SHA-256 \(bestLine["weights"] as! String) |"), "\(card)")

        let two = folder.path + "/two"
        #expect(try TinyRun.train(two, ranks: 2, settings).status == 0)
        #expect(try TinyRun.weights(two) == weights)

        let resumed = try TinyRun.sipat("train", "--output", run, "--resume")
        #expect(resumed.status == 0 && resumed.output.contains("stopped for good: catastrophic overfitting"), "\(resumed)")
        #expect(try TinyRun.weights(run) == weights && TinyRun.metrics(run) == metrics)
        // Stopped after the checkpoint that it will go back to, the run ends with the same log.
        let parts = folder.path + "/parts"
        #expect(try TinyRun.stopped(parts, settings, afterSteps: step + 20).status == 75)
        #expect(try TinyRun.sipat("train", "--output", parts, "--resume").status == 0)
        #expect(try TinyRun.metrics(parts) == metrics)
        // Told to go on in spite of it, it does, and the log keeps what had happened.
        let further = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "watch.action=warn")
        #expect(further.status == 0 && further.output.contains("goes on") && further.output.contains("epoch 12:"), "\(further)")
        #expect(try TinyRun.lines(run).count { $0["type"] as? String == "collapse" } == 1)

        // Told to go on from the beginning, it does, to the end.
        let unwatched = folder.path + "/unwatched"
        let whole = try TinyRun.train(unwatched, settings + ["watch.action=warn"])
        #expect(whole.output.contains("warning: catastrophic overfitting") && whole.output.contains("epoch 12"), "\(whole)")
    }
}
