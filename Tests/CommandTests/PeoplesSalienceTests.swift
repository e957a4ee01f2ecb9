import Foundation
import TestSupport
import Testing

private let archive: String = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    return URL(fileURLWithPath: shared + "/data/neu-det.tar.xz").path
}()

/// Boxes that people drew on steel, from their files to the weights of a run.
@Suite("Salience from people", .enabled(if: FileManager.default.fileExists(atPath: archive), "needs neu-det.tar.xz: set SIPAT_SHARED"))
struct PeoplesSalienceTests {
    private let label = "^(.*)_[0-9]+"

    private func unpacked(_ patterns: String...) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let run = try ProgramRun.of("tar", ["-xJf", archive, "-C", folder.path] + (patterns.isEmpty ? [] : ["--wildcards"] + patterns))
        try #require(run.status == 0, "\(run)")
        return folder
    }

    private func makeShard(_ folder: TemporaryFolder) throws {
        let (images, files) = (folder.path + "/neu-det/IMAGES", folder.path + "/files")
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.path + "/shards", withIntermediateDirectories: true)
        var names: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: images).sorted() {
            let stem = String(name.dropLast(4))
            try FileManager.default.copyItem(atPath: images + "/" + name, toPath: "\(files)/\(name)")
            try Data(stem[..<stem.lastIndex(of: "_")!].utf8).write(to: URL(fileURLWithPath: "\(files)/\(stem).cls"))
            names += [name, stem + ".cls"]
        }
        let run = try ProgramRun.of("tar", ["-C", files, "-cf", folder.path + "/shards/all.tar"] + names)
        try #require(run.status == 0, "\(run)")
    }

    /// The share of the image inside boxes, at the photographs' size and at that of training.
    @Test(arguments: [(200, 0.01), (64, 0.02)]) func boxesCoverWhatTheyShould(size: Int, tolerance: Double) throws {
        let folder = try unpacked()
        let data = folder.path + "/neu-det"
        let run = try TinyRun.sipat(
            "salience", "import", "--data", data, "--label-from", label, "--size", "\(size)", "--format", "voc", data, "--output", folder.path + "/boxes")
        #expect(run.status == 0 && run.output.contains("1800 of 1800 images have an annotation: 1800 with a map, 0 confirmed empty, 0 unseen"), "\(run)")
        #expect(run.output.contains("counted from 1") && run.output.contains("nothing was clipped"))
        let expected = ["scratches": 0.19, "inclusion": 0.22, "rolled-in_scale": 0.31, "patches": 0.37, "crazing": 0.51, "pitted_surface": 0.82]
        for (name, share) in expected {
            let line = try #require(run.output.split(separator: "\n").first { $0.hasPrefix(name + " ") && $0.contains(" 300 ") })
            let found = try #require(line.split(separator: " ").last.flatMap { Double($0) })
            #expect(abs(found - share) < tolerance, "\(line)")
        }
    }

    /// One store, made for the packed set, serves the folder and the shards too, on any number of ranks.
    @Test func packedFolderAndShardsTrainToTheSameWeights() throws {
        let folder = try unpacked("neu-det/IMAGES/*_1[0-5][0-9].jpg", "neu-det/ANNOTATIONS/*_1[0-4][0-9].xml")
        try makeShard(folder)
        let (images, pack, boxes) = (folder.path + "/neu-det/IMAGES", folder.path + "/steel.pack", folder.path + "/boxes")
        let packed = try TinyRun.sipat("data", "pack", images, "--size", "32", "--channels", "1", "--label-from", label, "--output", pack)
        #expect(packed.status == 0, "\(packed)")
        let imported = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "voc", folder.path + "/neu-det/ANNOTATIONS", "--output", boxes)
        #expect(imported.status == 0 && imported.output.contains("images without an annotation: "), "\(imported)")
        var weights = Set<String>()
        for (number, data) in [pack, images, folder.path + "/shards"].enumerated() {
            let run = "\(folder.path)/run-\(number)"
            let settings = [
                "mode=sip-at", "data.directory=\(data)", "data.labelFrom=\(label)", "data.size=32", "data.channels=1", "epochs=1", "model.name=cnn", "model.width=4",
                "data.microBatch=8", "attack.steps=2", "validation.limit=16", "validation.steps=2", "salience.maps=\(boxes)",
            ]
            let trained = try TinyRun.sipatOnRanks([1, 2, 3][number], ["train", "--recipe", "images", "--output", run] + settings.flatMap { ["--set", $0] })
            #expect(trained.status == 0 && trained.output.contains("with a map, 0 confirmed empty, "), "\(trained)")
            weights.insert(try TinyRun.weights(run))
            let record = try String(contentsOfFile: run + "/salience.json", encoding: .utf8)
            #expect(record.contains("\"voc\"") && record.contains("\"unseen\" : "), "\(record)")
        }
        #expect(weights.count == 1 && weights != ["none"], "\(weights)")
        let evaluated = try TinyRun.sipatOnRanks(
            2, ["evaluate", "--weights", folder.path + "/run-0", "--epsilons", "8/255", "--steps", "2", "--region", "background", "--salience", boxes])
        #expect(evaluated.status == 0 && evaluated.errors.contains("salience: "), "\(evaluated)")
        // Another fingerprint of the maps is another run.
        let other = try TinyRun.sipat(
            "salience", "import", "--data", pack, "--format", "voc", folder.path + "/neu-det/ANNOTATIONS", "--output", boxes, "--labels", "scratches", "--force")
        #expect(other.status == 0 && other.output.contains("replace older ones"), "\(other)")
        let resumed = try TinyRun.sipat("train", "--output", folder.path + "/run-0", "--resume", "--set", "epochs=2")
        #expect(resumed.status == 65 && resumed.errors.contains("salience.maps"), "\(resumed)")
        let shown = try TinyRun.sipat("salience", "show", boxes, "--image", "crazing_104")
        #expect(shown.status == 0 && shown.output.contains("empty") && shown.output.contains("replaces        map"), "\(shown)")
    }

    @Test func sheetsAndListsShowWhatThereIs() throws {
        let folder = try unpacked("neu-det/IMAGES/*_10[0-9].jpg", "neu-det/ANNOTATIONS/*_10[0-7].xml")
        let (images, boxes, sheet) = (folder.path + "/neu-det/IMAGES", folder.path + "/boxes", folder.path + "/sheet.png")
        let data = ["--data", images, "--label-from", label, "--size", "16"]
        func sipat(_ arguments: [String]) throws -> ProgramRun { try ProgramRun.of(builtProgram("sipat"), arguments) }
        let imported = try sipat(["salience", "import"] + data + ["--format", "voc", folder.path + "/neu-det/ANNOTATIONS", "--output", boxes])
        #expect(imported.status == 0, "\(imported)")
        let again = try sipat(["salience", "import"] + data + ["--format", "voc", folder.path + "/neu-det/ANNOTATIONS", "--output", boxes])
        #expect(again.status == 64 && again.errors.contains("--force"), "\(again)")
        let precious = try sipat(["salience", "import"] + data + ["--format", "voc", folder.path + "/neu-det/ANNOTATIONS", "--output", images, "--force"])
        #expect(precious.status == 64 && FileManager.default.fileExists(atPath: images + "/patches_100.jpg"), "\(precious)")
        let shown = try sipat(["salience", "show", boxes])
        #expect(shown.status == 0 && shown.output.contains("import voc") && shown.output.contains("images: nobody's") && shown.output.contains("images test"), "\(shown)")
        let list = try sipat(["salience", "show", boxes, "--list"])
        #expect(list.status == 0 && list.output.split(separator: "\n").count == 60 && list.output.contains("\tunseen\t-\t-\t-"), "\(list)")
        let drawn = try sipat(["salience", "sheet"] + data + [boxes, "--output", sheet, "--images", "12", "--split", "test"])
        #expect(drawn.status == 0 && drawn.output.contains("row 6  scratches: scratches_10"), "\(drawn)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: sheet)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: boxes + "/outlines.bin"))
        bytes[20] ^= 1
        try bytes.write(to: URL(fileURLWithPath: boxes + "/outlines.bin"))
        let damaged = try sipat(["salience", "show", boxes])
        #expect(damaged.status == 65 && damaged.errors.contains("not those that were written"), "\(damaged)")
    }
}
