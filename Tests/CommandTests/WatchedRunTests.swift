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

        let two = folder.path + "/two"
        #expect(try TinyRun.train(two, ranks: 2, settings).status == 0)
        #expect(try TinyRun.weights(two) == weights)

        let resumed = try TinyRun.sipat("train", "--output", run, "--resume")
        #expect(resumed.status == 0 && resumed.output.contains("stopped for good: catastrophic overfitting"), "\(resumed)")
        #expect(try TinyRun.weights(run) == weights)

        // Told to go on, it does, to the end.
        let unwatched = folder.path + "/unwatched"
        let whole = try TinyRun.train(unwatched, settings + ["watch.action=warn"])
        #expect(whole.output.contains("warning: catastrophic overfitting") && whole.output.contains("epoch 12"), "\(whole)")
    }
}
