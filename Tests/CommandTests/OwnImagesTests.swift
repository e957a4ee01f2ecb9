import Foundation
import TestSupport
import Testing

private let archive: String = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    return URL(fileURLWithPath: shared + "/data/neu-det.tar.xz").path
}()

@Suite("People's own images", .enabled(if: FileManager.default.fileExists(atPath: archive), "needs neu-det.tar.xz: set SIPAT_SHARED"))
struct OwnImagesTests {
    private let label = "^(.*)_[0-9]+"

    /// A fifth of NEU-DET: 60 images of each class, without those that its author has put elsewhere.
    private func steel() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let run = try ProgramRun.of(
            "tar", ["-xJf", archive, "-C", folder.path, "--wildcards", "neu-det/IMAGES/*_1[0-5][0-9].jpg"])
        try #require(run.status == 0, "\(run)")
        return folder
    }

    /// The same samples in the order of the folder, labels in files of their own.
    private func makeShards(_ folder: TemporaryFolder) throws {
        let images = folder.path + "/neu-det/IMAGES"
        let shards = folder.path + "/shards"
        try FileManager.default.createDirectory(atPath: shards + "/files", withIntermediateDirectories: true)
        var names: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: images).sorted() {
            let stem = String(name.dropLast(4))
            try FileManager.default.copyItem(atPath: images + "/" + name, toPath: "\(shards)/files/\(name)")
            try Data(stem[..<stem.lastIndex(of: "_")!].utf8).write(to: URL(fileURLWithPath: "\(shards)/files/\(stem).cls"))
            names += [name, stem + ".cls"]
        }
        for (shard, part) in [names[..<300], names[300...]].enumerated() {
            let run = try ProgramRun.of("tar", ["-C", shards + "/files", "-cf", "\(shards)/shard-\(shard).tar"] + part)
            try #require(run.status == 0, "\(run)")
        }
        try FileManager.default.removeItem(atPath: shards + "/files")
    }

    @Test func packedFolderAndShardsTrainToTheSameWeights() throws {
        let folder = try steel()
        try makeShards(folder)
        let images = folder.path + "/neu-det"
        let checked = try TinyRun.sipat("data", "check", images, "--label-from", label)
        #expect(checked.status == 0 && checked.output.contains("patches_101.jpg, IMAGES/patches_105.jpg"), "\(checked)")
        let pack = folder.path + "/steel.pack"
        let packed = try TinyRun.sipat("data", "pack", images, "--size", "32", "--channels", "1", "--label-from", label, "--output", pack)
        #expect(packed.status == 0 && packed.output.contains("281 training and 72 test images"), "\(packed)")
        for mode in ["natural", "at", "sip-at"] {
            var weights = Set<String>()
            for (number, data) in [pack, images, folder.path + "/shards"].enumerated() {
                let run = "\(folder.path)/\(mode)-\(number)"
                let settings = [
                    "mode=\(mode)", "data.directory=\(data)", "data.labelFrom=\(label)", "data.size=32", "data.channels=1", "epochs=1",
                    "model.name=cnn", "model.width=4", "attack.steps=2", "validation.limit=16", "validation.steps=2",
                    "salience.estimator=\(mode == "sip-at" ? "centre-prior" : "none")",
                ]
                let trained = try TinyRun.sipatOnRanks(
                    number == 1 ? 1 : 2, ["train", "--recipe", "images", "--output", run] + settings.flatMap { ["--set", $0] })
                #expect(trained.status == 0, "\(trained)")
                weights.insert(try TinyRun.weights(run))
            }
            #expect(weights.count == 1 && weights != ["none"], "\(mode): \(weights)")
        }
        let evaluated = try TinyRun.sipatOnRanks(2, ["evaluate", "--weights", folder.path + "/at-0", "--epsilons", "0,8/255", "--steps", "2"])
        #expect(evaluated.status == 0 && evaluated.output.contains("72 images"), "\(evaluated)")
        // The same images by their paths: of a packed set, and of the folder, read as the run has read it.
        func table(_ run: ProgramRun) -> [Substring] { run.output.split(separator: "\n").filter { $0.hasPrefix("|") } }
        for path in [pack, images] {
            let named = try TinyRun.sipat("evaluate", "--weights", folder.path + "/at-1", "--data", path, "--epsilons", "0,8/255", "--steps", "2")
            #expect(named.status == 0 && table(named) == table(evaluated), "\(path): \(named)")
        }
        let both = try TinyRun.sipat("evaluate", "--weights", folder.path + "/at-1", "--data", pack, "--data-dir", images)
        #expect(both.status == 64 && both.errors.contains("--data-dir"), "\(both)")
    }

    @Test func badFilesEndWithTheirNamesAndCode65() throws {
        let folder = try steel()
        let images = folder.path + "/neu-det"
        try Data("<html>".utf8).write(to: URL(fileURLWithPath: images + "/IMAGES/patches_102.jpg"))
        for arguments in [["check", images], ["pack", images, "--output", folder.path + "/p"]] {
            let run = try ProgramRun.of(builtProgram("sipat"), ["data"] + arguments + ["--label-from", label])
            #expect(run.status == 65 && (run.output + run.errors).contains("patches_102.jpg") && (run.output + run.errors).contains("HTML"), "\(run)")
        }
        let packed = try TinyRun.sipat("data", "pack", images, "--label-from", label, "--skip-bad", "--output", folder.path + "/p")
        #expect(packed.status == 0 && packed.output.contains("left out: ") && packed.output.contains("patches_102.jpg"), "\(packed)")
        let sound = try TinyRun.sipat("data", "check", folder.path + "/p")
        #expect(sound.status == 0, "\(sound)")
        let again = try TinyRun.sipat("data", "pack", images, "--label-from", label, "--skip-bad", "--output", folder.path + "/p")
        #expect(again.status == 64 && again.errors.contains("--force"), "\(again)")
    }
}
