import Foundation
import TestSupport
import Testing

/// What no pilot can be made of: clear words, the right exit code, nothing written.
@Suite("Pilots that cannot be", .serialized)
struct PilotMistakeTests {
    private static let small = ["data.size=16", "data.channels=1", "model.name=cnn", "model.width=4", "data.batch=16", "data.microBatch=8", "epochs=1", "attack.steps=1"]

    private func refused(_ data: String, _ more: [String], status: Int32, _ expected: String, settings: [String] = small, folder: TemporaryFolder) throws {
        let output = folder.path + "/pilot"
        let run = try TinyPilot.sipat(TinyPilot.planArguments(output, data: data, more, settings: settings))
        #expect(run.status == status && run.errors.contains(expected) && run.errors.contains("→"), "\(run)")
        #expect(!FileManager.default.fileExists(atPath: output), "\(expected)")
    }

    private static let centre = ["--estimator", "centre-prior"]

    @Test(
        arguments: [
            (["train": ["a": 12], "test": ["a": 4]], "one class only"),
            (["train": ["a": 12, "b": 0], "test": ["a": 4, "b": 4]], "no training image"),
            (["train": ["a": 12, "b": 12], "test": ["a": 4, "b": 0]], "no test image"),
            (["train": ["a": 12, "b": 12, "spare": 0], "test": ["a": 4, "b": 4]], "the class spare is empty"),
            (["train": ["a": 1, "b": 1], "test": ["a": 1, "b": 1]], "expected at least 5"),
            (["train": ["a": 12, "b": 3], "test": ["a": 4, "b": 4]], "expected at least 5"),
        ] as [([String: [String: Int]], String)])
    func tooFewImages(_ counts: [String: [String: Int]], _ expected: String) throws {
        let folder = try TemporaryFolder()
        try TinyImages.write(folder.path + "/images", counts)
        try refused(folder.path + "/images", Self.centre, status: 65, expected, folder: folder)
    }

    /// One map cannot be given to another image.
    @Test func oneMapOnly() throws {
        let folder = try TemporaryFolder()
        try TinyImages.write(folder.path + "/images", ["train": ["a": 12, "b": 12], "test": ["a": 6, "b": 6]])
        try TinyImages.pack(folder.path + "/images")
        // A mask of one of them: its upper half.
        let mask = """
            import os, struct, sys, zlib
            raw = b"".join(b"\\0" + bytes(255 if y < 6 else 0 for x in range(12)) for y in range(12))
            def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            os.makedirs(sys.argv[1] + "/train/a")
            open(sys.argv[1] + "/train/a/a-train-0.png", "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
            """
        #expect(try ProgramRun.of("python3", ["-c", mask, folder.path + "/masks"]).status == 0)
        let data = folder.path + "/images.pack"
        let made = try TinyPilot.sipat(["salience", "import", "--data", data, "--format", "png", folder.path + "/masks", "--output", folder.path + "/maps"])
        try #require(made.status == 0, "\(made)")
        try refused(data, ["--maps", folder.path + "/maps"], status: 65, "no other image's map to give", folder: folder)
    }

    @Test func threeImages() throws {
        let folder = try TemporaryFolder()
        try TinyImages.write(folder.path + "/images", ["train": ["a": 1, "b": 1], "test": ["a": 1]])
        let output = folder.path + "/pilot"
        let run = try TinyPilot.sipat(TinyPilot.planArguments(output, data: folder.path + "/images", Self.centre, settings: Self.small))
        #expect((run.status == 65 || run.status == 64) && run.errors.contains("→") && !FileManager.default.fileExists(atPath: output), "\(run)")
    }

    @Test func mapsOfOtherImages() throws {
        let folder = try TemporaryFolder()
        try TinyImages.write(folder.path + "/images", ["train": ["a": 12, "b": 12], "test": ["a": 6, "b": 6]])
        try TinyImages.write(folder.path + "/others", ["train": ["a": 13, "b": 11], "test": ["a": 6, "b": 6]])
        for name in ["images", "others"] { try TinyImages.pack(folder.path + "/" + name) }
        let maps = folder.path + "/maps"
        let made = try TinyPilot.sipat(["salience", "estimate", "--data", folder.path + "/others.pack", "--estimator", "centre-prior", "--output", maps])
        #expect(made.status == 0, "\(made)")
        try refused(folder.path + "/images.pack", ["--maps", maps], status: 65, "has no map for", folder: folder)
        try refused(folder.path + "/images.pack", ["--maps", folder.path + "/none"], status: 74, "no such file", folder: folder)
    }

    /// Names alone do not make maps those of these images.
    @Test func mapsOfImagesOfTheSameNames() throws {
        let folder = try TemporaryFolder()
        try TinyImages.write(folder.path + "/images", ["train": ["a": 12, "b": 12], "test": ["a": 6, "b": 6]])
        try TinyImages.write(folder.path + "/others", ["train": ["a": 12, "b": 12], "test": ["a": 6, "b": 6]], from: 100)
        for name in ["images", "others"] { try TinyImages.pack(folder.path + "/" + name) }
        for name in ["images", "others"] {
            let made = try TinyPilot.sipat(
                ["salience", "estimate", "--data", folder.path + "/\(name).pack", "--estimator", "centre-prior", "--output", folder.path + "/\(name)-maps"])
            #expect(made.status == 0, "\(made)")
        }
        try refused(folder.path + "/images.pack", ["--maps", folder.path + "/others-maps"], status: 65, "are others than those of the same name", folder: folder)
        let planned = try TinyPilot.sipat(
            TinyPilot.planArguments(folder.path + "/own", data: folder.path + "/images.pack", ["--maps", folder.path + "/images-maps"], settings: Self.small))
        #expect(planned.status == 0 && !planned.output.contains("was made for images of these names"), "\(planned)")
    }

    /// A plan that these ranks could not run.
    @Test func moreRanksThanMicroBatches() throws {
        let folder = try TemporaryFolder()
        let pilot = folder.path + "/pilot"
        let planned = try TinyPilot.sipat(TinyPilot.planArguments(pilot, ["--set", "data.microBatch=32"]), ranks: 2)
        #expect(planned.status == 64 && (planned.errors + planned.output).contains("2 ranks, but a batch of 32 images has only 1 micro-batch of 32"), "\(planned)")
        #expect(!FileManager.default.fileExists(atPath: pilot))
    }

    @Test func anEditedPlan() throws {
        let folder = try TemporaryFolder()
        let pilot = folder.path + "/pilot"
        let planned = try TinyPilot.sipat(TinyPilot.planArguments(pilot, TinyPilot.few))
        try #require(planned.status == 0, "\(planned)")
        let path = pilot + "/pilot.yaml"
        let text = TinyPilot.contents(path)
        for (right, wrong, expected) in [
            ("\nseeds: [", "\nsedes: [", "did you mean seeds?"), ("\nseeds: [0, 1]", "\nseeds: 2", "seeds: expected a list of whole numbers"),
            ("\nepsilon: 8", "\nepsilon: big", "epsilon is \"big\""), ("  attack: pgd", "  attack: pdg", "evaluation.attack"),
            ("  decision: 4", "  decision: 3", "not among evaluation.radii"), ("  cleanLossAtMost: 100", "  cleanLossAtMost: 5", "natural is not among methods"),
            ("  seedsAtLeast: 3", "  seedsAtLeast: 1", "acceptance.seedsAtLeast is \"1\""), ("\nformat: 1", "\nformat: [1", "not YAML"),
        ] {
            #expect(text.contains(right), "\(right)")
            try text.replacing(right, with: wrong).write(toFile: path, atomically: true, encoding: .utf8)
            let run = try TinyPilot.sipat(["pilot", "run", pilot])
            #expect(run.status == 64 && run.errors.contains("pilot.yaml") && run.errors.contains(expected) && run.errors.contains("→"), "\(wrong): \(run)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: pilot) == ["pilot.yaml"], "\(wrong)")
        }
    }

    @Test func aReviewThatIsNone() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/review.json"
        try refused("synthetic", TinyPilot.few + ["--review", file], status: 74, "there is no such file", settings: TinyPilot.settings, folder: folder)
        try "{\"decided\": 3}".write(toFile: file, atomically: true, encoding: .utf8)
        try refused("synthetic", TinyPilot.few + ["--review", file], status: 65, "is no status of a review", settings: TinyPilot.settings, folder: folder)
    }

    @Test func budgetsAndFlags() throws {
        let folder = try TemporaryFolder()
        let settings = TinyPilot.settings.filter { !$0.hasPrefix("epochs") }
        try refused("synthetic", ["--budget", "1s"], status: 64, "what would fit: --budget", settings: settings, folder: folder)
        try refused("synthetic", ["--attack", "pdg"], status: 64, "evaluation.attack", settings: settings, folder: folder)
        try refused("synthetic", ["--methods", "natural,trades"], status: 64, "trades", settings: settings, folder: folder)
        try refused("synthetic", ["--set", "model.name=resnet19"], status: 64, "model.name", settings: settings, folder: folder)
        try refused("syntetic", [], status: 64, "did you mean synthetic?", settings: settings, folder: folder)
        try refused("synthetic", ["--decision", "300"], status: 64, "--decision", settings: settings, folder: folder)
        let run = try TinyPilot.sipat(["pilot", "run", folder.path])
        #expect(run.status == 64 && run.errors.contains("holds no pilot"), "\(run)")
        // What is to be typed can be.
        let report = try TinyPilot.sipat(["pilot", "report", folder.path + "/a b"])
        #expect(report.status == 64 && report.errors.contains("sipat pilot plan --output '\(folder.path)/a b'"), "\(report)")
    }
}
