import Foundation
import Interchange
import TestSupport
import Testing

/// What a run leaves for people and for other programs.
@Suite struct RunOutputTests {
    private func eventFiles(_ run: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: run).filter { $0.hasPrefix("events.out.tfevents.") }.sorted().map { "\(run)/\($0)" }
    }

    /// All scalars of a run's event files, as "tag step value".
    private func scalars(_ run: String, without left: String...) throws -> [String] {
        try eventFiles(run).flatMap { file in
            let reader = EventReader([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
            #expect(reader.events.first?.fileVersion == "brain.Event:2")
            return reader.events.flatMap { event in event.scalars.filter { !left.contains($0.tag) }.map { "\($0.tag) \(event.step) \($0.value)" } }
        }
    }

    /// The same numbers as in the log, on any number of ranks; a run that was stopped and goes on has each once.
    @Test func tensorBoardHasTheNumbersOfTheLogOnce() throws {
        let folder = try TemporaryFolder()
        let settings = ["logging.tensorboard=true", "checkpoint.everySteps=2"]
        let whole = folder.path + "/whole"
        let trained = try TinyRun.train(whole, ranks: 2, settings)
        #expect(trained.status == 0, "\(trained)")
        let found = try scalars(whole, without: "train/images_per_second", "epoch/seconds")
        var expected: [String] = []
        for line in try TinyRun.lines(whole) {
            func number(_ key: String) -> Float { Float((line[key] as? Double)!) }
            let step = (line["step"] as? Int)!
            if line["type"] as? String == "step" {
                expected += ["train/loss \(step) \(number("loss"))", "train/accuracy \(step) \(number("accuracy"))", "train/learning_rate \(step) \(number("learningRate"))"]
            } else {
                expected += ["epoch/loss \(step) \(number("loss"))", "epoch/accuracy \(step) \(number("accuracy"))"]
                expected += ["validation/clean_accuracy \(step) \(number("cleanAccuracy"))", "validation/robust_accuracy \(step) \(number("robustAccuracy"))"]
            }
        }
        #expect(found == expected && found.count > 40)

        // Killed after a line that no checkpoint holds, and again at the end of an epoch.
        let parts = folder.path + "/parts"
        let stopped = try TinyRun.stopped(parts, settings, afterSteps: 3)
        #expect(stopped.status == 75, "\(stopped)")
        let checkpoints = parts + "/checkpoints"
        let newest = try #require(try FileManager.default.contentsOfDirectory(atPath: checkpoints).filter { $0.hasPrefix("step-") }.max())
        // Its newest checkpoint is lost: the run goes back a step, whose events are there already.
        try FileManager.default.removeItem(atPath: checkpoints + "/" + newest)
        let resumed = try TinyRun.sipatOnRanks(3, ["train", "--output", parts, "--resume"])
        #expect(resumed.status == 0, "\(resumed)")
        #expect(try eventFiles(parts).count == 2)
        #expect(try scalars(parts, without: "train/images_per_second", "epoch/seconds") == expected)
        // Off unless it is asked for.
        let plain = folder.path + "/plain"
        #expect(try TinyRun.train(plain, ["epochs=1"]).status == 0)
        #expect(try eventFiles(plain).isEmpty)
    }

    /// What the card says is what the log says.
    @Test func theModelCardSaysWhatWasMeasured() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let trained = try TinyRun.train(run, ranks: 2)
        #expect(trained.status == 0, "\(trained)")
        let card = try String(contentsOfFile: run + "/model-card.md", encoding: .utf8)
        let epochs = try TinyRun.lines(run).filter { $0["type"] as? String == "epoch" }
        let best = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: run + "/checkpoints/best.json"))) as! [String: Any]
        let kept = try #require(epochs.first { $0["step"] as? Int == best["step"] as? Int })
        let (hash, clean) = (kept["weights"] as! String, kept["cleanAccuracy"] as! Double)
        #expect(card.contains("| Weights | SHA-256 \(hash) |") && card.contains("| kept as the best, epoch \((kept["epoch"] as! Int) + 1) | "), "\(card)")
        let percent = String(format: "%.2f %%", clean * 100)
        #expect(card.contains(percent) && card.contains("(22 images)") && card.contains("198 of synthetic") && card.contains("the data set's own maps"), "\(percent): \(card)")
        #expect(card.contains("radius 8/255") && card.contains("not measured here") && !card.contains("nil"), "\(card)")
        // With a moving average of the weights that is the model, and what was measured.
        let averaged = folder.path + "/averaged"
        #expect(try TinyRun.train(averaged, ["mode=natural", "ema.decay=0.9"]).status == 0)
        let ofAverage = try String(contentsOfFile: averaged + "/model-card.md", encoding: .utf8)
        let hashes = try TinyRun.lines(averaged).filter { $0["type"] as? String == "epoch" }.map { ($0["weights"] as! String, $0["average"] as! String) }
        #expect(hashes.contains { ofAverage.contains("| Weights (`average.safetensors`) | SHA-256 \($0.1) |") } && ofAverage.contains("moving average (decay 0.9)"), "\(ofAverage)")
        #expect(hashes.allSatisfy { $0.0 != $0.1 && !ofAverage.contains(String($0.0.prefix(12))) } && epochs.allSatisfy { $0["average"] == nil }, "\(ofAverage)")
        // Natural training has no salience, and without validation nothing is claimed.
        let natural = folder.path + "/natural"
        let other = try TinyRun.train(natural, ["mode=natural", "data.validation=0", "epochs=1"])
        #expect(other.status == 0, "\(other)")
        let bare = try String(contentsOfFile: natural + "/model-card.md", encoding: .utf8)
        #expect(bare.contains("Nothing was measured") && !bare.contains("## Salience") && bare.contains("on clean images"), "\(bare)")
    }

    @Test func exportWritesWhatTheRunHolds() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["mode=natural", "epochs=1", "model.mean=cifar10", "model.std=cifar10"]).status == 0)
        let model = run + "/model.onnx"
        let written = try TinyRun.sipat("export", "--weights", run, "--output", model)
        #expect(written.status == 0 && written.output.contains("images N×3×16×16") && written.output.contains("logits N×10"), "\(written)")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: model))
        for word in ["bn1.running_var", "normalization.std", "logits", "GlobalAveragePool", "\"classes\"", "weights_sha256"] {
            #expect(bytes.range(of: Data(word.utf8)) != nil || word.hasPrefix("\"") && bytes.range(of: Data(word.dropFirst().dropLast().utf8)) != nil, "\(word)")
        }
        // A file alone does not say how large its images are, nor which network it is.
        let checkpoints = run + "/checkpoints"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: checkpoints).first { $0.hasPrefix("step-") })
        let alone = folder.path + "/alone.safetensors"
        try FileManager.default.copyItem(atPath: "\(checkpoints)/\(name)/weights.safetensors", toPath: alone)
        let bare = try TinyRun.sipat("export", "--weights", alone, "--model", "cnn", "--width", "4", "--output", folder.path + "/a.onnx")
        #expect(bare.status == 64 && bare.errors.contains("--size"), "\(bare)")
        let told = try TinyRun.sipat("export", "--weights", alone, "--model", "cnn", "--width", "4", "--size", "16", "--output", folder.path + "/a.onnx")
        #expect(told.status == 0 && told.output.contains("normalised by the model itself"), "\(told)")
        let over = try TinyRun.sipat("export", "--weights", alone, "--model", "cnn", "--width", "4", "--size", "16", "--output", alone)
        #expect(over.status == 64 && over.errors.contains("overwrite"), "\(over)")
        let unknown = try TinyRun.sipat("export", "--weights", run, "--format", "onxx", "--output", model)
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean onnx?"), "\(unknown)")
    }
}
