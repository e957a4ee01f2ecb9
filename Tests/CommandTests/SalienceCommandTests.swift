import Checkpoints
import Diagnostics
import Foundation
import Images
import Salience
import TestSupport
import Testing

@Suite("Salience from the command line", .serialized) struct SalienceCommandTests {
    private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    /// The synthetic data's test split: 1,000 images of 32×32.
    private func estimate(_ folder: TemporaryFolder, _ name: String, ranks: Int = 1, _ more: [String] = []) throws -> String {
        let path = "\(folder.path)/\(name)-\(ranks).npy"
        let run = try TinyRun.sipatOnRanks(
            ranks, ["salience", "estimate", "--data", "synthetic", "--split", "test", "--estimator", name, "--output", path] + more)
        #expect(run.status == 0, "\(run)")
        return path
    }

    @Test(arguments: salienceEstimatorNames) func everyEstimatorGivesTheSameOnAnyNumberOfRanks(name: String) throws {
        let folder = try TemporaryFolder()
        let maps = try [1, 2, 3, 4].map { try estimate(folder, name, ranks: $0, ["--centre-prior", "0.3"]) }
        for other in maps.dropFirst() {
            #expect(try bytes(other) == bytes(maps[0]))
            let json = { (path: String) in try self.bytes(SalienceProvenance.path(besides: path)) }
            #expect(try json(other) == json(maps[0]))
        }
        let provenance = try SalienceProvenance(besides: maps[0])
        #expect(provenance.estimator?.name == name && provenance.estimator?.settings["centrePrior"] == .number(0.3))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 8)
    }

    /// Both splits, in one folder: the same bytes on any number of ranks, but for the time.
    @Test func aStoreHoldsAllSplits() throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        // 30 pictures of each of two classes, in pixels that differ.
        for number in 0..<60 {
            let place = "\(data)/\(number < 48 ? "train" : "test")/\(number % 2 == 0 ? "light" : "dark")"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            let pixels = (0..<24 * 24).map { UInt8(($0 * 7 + number * 13) % 97 + (($0 / 24 + $0 % 24) % 24 < 8 ? 100 : 0)) }
            let image = Image(size: PixelSize(width: 24, height: 24), channels: .grey, pixels: pixels)
            try image.writePNG(to: "\(place)/\(number).png")
        }
        let stores = try [1, 3].map { ranks in
            let path = "\(folder.path)/store-\(ranks)"
            let run = try TinyRun.sipatOnRanks(
                ranks, ["salience", "estimate", "--data", data, "--size", "24", "--estimator", "local-contrast", "--output", path])
            #expect(run.status == 0 && run.output.contains("local-contrast"), "\(run)")
            return path
        }
        for file in ["index.bin", "maps.u8", "records.jsonl"] { #expect(try bytes(stores[0] + "/" + file) == bytes(stores[1] + "/" + file), "\(file)") }
        let store = try SalienceStore(stores[0])
        #expect(store.header.parts.map(\.dataset.split) == ["train", "test"] && store.header.parts.map(\.dataset.count) == [48, 12])
        #expect(store.header.origins.map(\.name) == ["local-contrast"] && store.header.origins[0].settings?["sigma"] == .number(0.05))
        let again = try TinyRun.sipat("salience", "estimate", "--data", data, "--size", "24", "--output", stores[0])
        #expect(again.status == 64 && again.errors.contains("--force"), "\(again)")
        let test = try TinyRun.sipat("salience", "estimate", "--data", data, "--size", "24", "--split", "test", "--force", "--output", stores[1])
        #expect(test.status == 0, "\(test)")
        #expect(try SalienceStore(stores[1]).header.parts.map(\.dataset.split) == ["test"])
        let compared = try TinyRun.sipat(
            "salience", "compare", "--data", data, "--size", "24", "--split", "test", "--scores", "auc,iou-equal-area", "a=" + stores[0], "b=" + stores[1])
        #expect(compared.status == 0 && compared.output.contains("| light | 6 |") && !compared.output.contains("| CC |"), "\(compared)")
        let run = folder.path + "/run"
        let trained = try TinyRun.sipat(
            "train", "--recipe", "images", "--output", run, "--set", "data.directory=" + data, "--set", "data.size=24", "--set", "data.batch=16", "--set",
            "data.microBatch=8", "--set", "model.name=cnn", "--set", "model.width=4", "--set", "epochs=1", "--set", "attack.steps=1", "--set",
            "validation.steps=1", "--set", "salience.maps=" + stores[0], "--set", "salience.coverage=0.25", "--set", "salience.source=shuffled")
        #expect(trained.status == 0, "\(trained)")
        let recorded = String(decoding: try bytes(run + "/salience.json"), as: UTF8.self)
        #expect(recorded.contains("shuffled") && recorded.contains("\"coverage\" : 0.25") && recorded.contains("local-contrast"), "\(recorded)")
        let evaluated = try TinyRun.sipat(
            "evaluate", "--weights", run, "--epsilons", "8/255", "--steps", "1", "--region", "salient", "--salience", stores[0], "--json", folder.path + "/e.json")
        #expect(evaluated.status == 0, "\(evaluated)")
        let json = String(decoding: try bytes(folder.path + "/e.json"), as: UTF8.self)
        #expect(json.contains("\"salienceCoverage\" : 0.25"), "\(json)")
    }

    @Test func mistakesInEstimatesAreNamed() throws {
        let folder = try TemporaryFolder()
        for (flags, word) in [
            (["--estimator", "boolean-maps"], "boolean-map"), (["--estimator", "fine-grained", "--sigma", "2"], "sigma"),
            (["--centre-prior", "0"], "--centre-prior"), (["--centre-prior", "nan"], "--centre-prior"), (["--sigma", "-1"], "--sigma"),
        ] {
            let run = try ProgramRun.of(
                builtProgram("sipat"), ["salience", "estimate", "--data", "synthetic", "--output", folder.path + "/maps.npy"] + flags)
            #expect(run.status == 64 && run.errors.contains(word), "\(run)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func aComparisonIsTheSameOnAnyNumberOfRanks() throws {
        let folder = try TemporaryFolder()
        let truth = try estimate(folder, "boolean-map")
        let other = try estimate(folder, "spectral-residual")
        var reports: [[UInt8]] = []
        var texts: [String] = []
        for ranks in 1...3 {
            let json = folder.path + "/\(ranks).json"
            let run = try TinyRun.sipatOnRanks(
                ranks,
                ["salience", "compare", "--data", "synthetic", "--split", "test", "--coverage", "0.2", "--json", json, "own=" + truth, "same=" + truth, other])
            #expect(run.status == 0, "\(run)")
            reports.append(try bytes(json))
            texts.append(run.output)
        }
        #expect(reports[1] == reports[0] && reports[2] == reports[0] && texts[1] == texts[0] && texts[2] == texts[0])
        let report = try JSONDecoder().decode(ComparisonReport.self, from: Data(reports[0]))
        #expect(report.sources.map(\.name) == ["same", "spectral-residual-1.npy", "random", "shuffled", "centre-prior"])
        #expect(report.sources.map(\.isControl) == [false, false, true, true, true])
        #expect(report.groups.count == 11 && report.groups[0].name == "all")
        let scored = report.groups[0].images
        #expect(scored > 900 && report.groups.dropFirst().reduce(0) { $0 + $1.images } == scored)
        #expect(scored + report.withoutTruth + report.withoutPositives == 1000)
        let all = report.groups[0].scores
        #expect(all.count == Score.allCases.count)
        for (name, means) in all {
            #expect(means.count == 5, "\(name)")
            for mean in means.compactMap({ $0 }) { #expect(mean.low <= mean.mean && mean.mean <= mean.high, "\(name)") }
        }
        #expect(abs(all["iou-equal-area"]![0]!.mean - 1) < 1e-9 && abs(all["cc"]![0]!.mean - 1) < 1e-9)
        // The same map for every image.
        #expect(abs(all["shuffled-auc"]![4]!.mean - 0.5) < 1e-6)
        #expect(texts[0].contains("| IoU at equal area | images | same | spectral-residual-1.npy | *random* |"))
        #expect(texts[0].contains("| all | CC | SIM | KL |") && texts[0].contains("\n| *centre-prior* | "))
    }

    @Test func mistakesInComparisonsAreNamed() throws {
        let folder = try TemporaryFolder()
        let maps = try estimate(folder, "centre-prior")
        for (arguments, word) in [
            ([maps], "truth"), ([maps, maps], "called"), ([maps, "random=" + maps], "control"), ([maps, "a=" + maps, "--scores", "ccc"], "cc"),
            ([maps, "a=" + maps, "--scores", "iou-coverage"], "--coverage"), ([maps, "a=" + maps, "--coverage", "1.5"], "--coverage"),
            ([maps, "a=" + maps, "--threshold", "0"], "--threshold"), ([maps, "a=" + maps, "--json", maps], "overwrite"),
        ] {
            let run = try ProgramRun.of(builtProgram("sipat"), ["salience", "compare", "--data", "synthetic", "--split", "test"] + arguments)
            #expect(run.status == 64 && run.errors.contains(word), "\(arguments) \(run)")
        }
        let wrong = try ProgramRun.of(builtProgram("sipat"), ["salience", "compare", "--data", "synthetic", "a=" + maps, "b=" + maps])
        #expect(wrong.status == 65 && wrong.errors.contains("1000 maps"), "\(wrong)")
    }

    /// Runs with each kind of source: the same weights on one rank and on three, others than with each other.
    @Test func controlsTrainToTheSameWeightsOnAnyNumberOfRanks() throws {
        let folder = try TemporaryFolder()
        var seen: [String: String] = [:]
        let cases: [(name: String, settings: [String], note: String)] = [
            ("own", [], ""), ("coverage", ["salience.coverage=0.3"], "salience by rule: coverage 0.3"),
            ("random", ["salience.source=random"], "salience by rule: control random (seed 0, area"),
            ("random-coverage", ["salience.source=random", "salience.coverage=0.3"], "salience by rule: control random (seed 0), coverage 0.3"),
            ("shuffled", ["salience.source=shuffled"], "salience by rule: control shuffled (seed 0)"),
            ("centre", ["salience.source=centre-prior"], "salience by rule: control centre-prior"),
            ("inverted", ["attack.mask=inverted"], ""),
            ("random-twice", ["salience.source=random", "salience.coverage=0.3", "epochs=2"], ""),
            (
                "redrawn", ["salience.source=random", "salience.coverage=0.3", "salience.redraw=true", "epochs=2"],
                "salience by rule: control random (seed 0, drawn anew each epoch), coverage 0.3"
            ),
        ]
        for (name, settings, note) in cases {
            for ranks in [1, 3] {
                let run = "\(folder.path)/\(name)-\(ranks)"
                let result = try TinyRun.train(run, ranks: ranks, ["epochs=1", "augmentation.crop=2"] + settings)
                #expect(result.status == 0, "\(result)")
                #expect(note.isEmpty || (result.output + result.errors).contains(note), "\(result)")
            }
            let weights = try TinyRun.weights("\(folder.path)/\(name)-1")
            #expect(try TinyRun.weights("\(folder.path)/\(name)-3") == weights, "\(name)")
            seen[name] = weights
        }
        #expect(Set(seen.values).count == cases.count, "\(seen)")
    }

    /// Everything protected is training on clean images; the share 0 is not set.
    @Test func fullCoverageIsNaturalTraining() throws {
        let folder = try TemporaryFolder()
        let settings = ["epochs=1", "data.validation=0"]
        #expect(try TinyRun.train(folder.path + "/natural", settings + ["mode=natural"]).status == 0)
        let full = try TinyRun.train(folder.path + "/full", settings + ["salience.coverage=1"])
        #expect(full.status == 0 && full.errors.contains("every pixel"), "\(full)")
        #expect(try TinyRun.weights(folder.path + "/full") == TinyRun.weights(folder.path + "/natural"))
    }

    @Test func controlsWithoutMapsWantToKnowTheirArea() throws {
        let folder = try TemporaryFolder()
        for (settings, word) in [
            (["salience.source=random"], "salience.coverage"), (["salience.source=shuffled"], "salience.maps"), (["salience.source=blob"], "random"),
            (["salience.redraw=true", "mode=at"], "salience.source"), (["salience.coverage=2"], "salience.coverage"), (["salience.centrePrior=0.3"], "salience.estimator"),
        ] {
            let run = try ProgramRun.of(
                builtProgram("sipat"), ["train", "--recipe", "cifar10", "--output", folder.path + "/run", "--set", "data.directory=nowhere"] + settings.flatMap { ["--set", $0] })
            #expect(run.status == 64 && run.errors.contains(word), "\(settings) \(run)")
        }
    }
}
