import Digests
import Foundation
import Images
import Salience
import TestSupport
import Testing

/// What a manifest says of salience, and states that are trained on alike and counted apart.
@Suite struct ManifestSalienceTests {
    private let size = PixelSize(width: 12, height: 12)

    /// Eight pictures of two classes, all training images but two; the first has boxes, the second a mask.
    private func images() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var lines = ["path,label,split,boxes,salience"]
        for index in 0..<8 {
            let pixels = (0..<size.pixels).map { UInt8(truncatingIfNeeded: ($0 * 31 + index * 97) ^ ($0 >> 2)) }
            try Image(size: size, channels: .grey, pixels: pixels).writePNG(to: "\(folder.path)/\(index).png")
            let extra = index == 0 ? "0 0 6 12;6 0 12 6," : index == 1 ? ",mask.png" : ","
            lines.append("\(index).png,\(index % 2),\(index < 6 ? "train" : "test"),\(extra)")
        }
        let mask = (0..<size.pixels).map { UInt8($0 < size.pixels / 2 ? 1 : 0) }
        try Image(size: size, channels: .grey, pixels: mask).writePNG(to: folder.path + "/mask.png")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: folder.path + "/manifest.csv"))
        return folder
    }

    @Test func boxesAndMasksOfAManifestBecomeMaps() throws {
        let folder = try images()
        let pack = folder.path + "/pack"
        let packed = try TinyRun.sipat("data", "pack", folder.path, "--size", "12", "--channels", "1", "--output", pack)
        #expect(packed.status == 0, "\(packed)")
        var digests = Set<[String]>()
        for (number, data) in [folder.path, pack].enumerated() {
            let maps = "\(folder.path)/maps-\(number)"
            let run = try TinyRun.sipat("salience", "import", "--data", data, "--size", "12", "--format", "manifest", "--output", maps)
            #expect(run.status == 0 && run.output.contains("2 with a map, 0 confirmed empty, 6 unseen") && run.output.contains("values 0 and 1"), "\(run)")
            let store = try SalienceStore(maps)
            digests.insert(store.header.parts.map(\.digest))
            let file = data + (number == 0 ? "/manifest.csv" : "/index.jsonl")
            #expect(try store.header.origins[0].path == file && store.header.origins[0].fileHash == SHA256.hex(ofFile: file))
            var hashes: [String: String] = [:]
            try store.forEachRecord { hashes[$1.image] = $1.fileHash }
            #expect(try hashes == ["1.png": SHA256.hex(ofFile: folder.path + "/mask.png")])
            let list = try TinyRun.sipat("salience", "show", maps, "--list")
            #expect(list.output.contains("train\t0.png\tmap\t75.00 %\timport manifest") && list.output.contains("train\t1.png\tmap\t50.00 %"), "\(list)")
        }
        #expect(digests.count == 1)
        let misplaced = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "manifest", pack, "--output", folder.path + "/x")
        #expect(misplaced.status == 64 && misplaced.errors.contains("takes no path"), "\(misplaced)")
        let none = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "manifest", "--labels", " ,", "--output", folder.path + "/x")
        #expect(none.status == 64 && none.errors.contains("--labels is empty"), "\(none)")
        let unknown = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "vox", pack, "--output", folder.path + "/x")
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean voc?"), "\(unknown)")
    }

    /// With one truth there are no two maps to exchange; all else is scored.
    @Test func aComparisonWithOneTruthDoesWithoutShuffledMaps() throws {
        let folder = try images()
        let (table, truth, auto) = (folder.path + "/one.csv", folder.path + "/truth", folder.path + "/auto")
        try Data("path,xmin,ymin,xmax,ymax\n0,0,0,6,12\n".utf8).write(to: URL(fileURLWithPath: table))
        let data = ["--data", folder.path, "--size", "12"]
        for words in [["import"] + data + ["--format", "csv", table, "--output", truth], ["estimate"] + data + ["--estimator", "centre-prior", "--output", auto]] {
            let run = try TinyRun.sipat(["salience"] + words)
            #expect(run.status == 0, "\(run)")
        }
        let compared = try TinyRun.sipat(["salience", "compare"] + data + [truth, auto])
        #expect(compared.status == 0 && compared.output.contains("shuffled is left out") && compared.output.contains("| *random* |"), "\(compared)")
        #expect(!compared.output.contains("*shuffled*"), "\(compared)")
    }

    /// Six training images: the same boxes for two of them, and of the rest nobody has seen any, or somebody all.
    @Test func unseenAndEmptyImagesAreTrainedOnAlikeAndCountedApart() throws {
        let folder = try images()
        var weights = Set<String>()
        for (name, rest) in [("unseen", ""), ("empty", "2,,,,\n3,,,,\n4,,,,\n5,,,,\n")] {
            let (table, maps, run) = ("\(folder.path)/\(name).csv", "\(folder.path)/\(name)", "\(folder.path)/run-\(name)")
            try Data("path,xmin,ymin,xmax,ymax\n0,0,0,6,12\n1,6,6,12,12\n\(rest)".utf8).write(to: URL(fileURLWithPath: table))
            let imported = try TinyRun.sipat("salience", "import", "--data", folder.path, "--size", "12", "--format", "csv", table, "--output", maps)
            #expect(imported.status == 0, "\(imported)")
            let settings = [
                "mode=sip-at", "data.directory=\(folder.path)", "data.size=12", "data.channels=1", "data.batch=4", "data.microBatch=2", "data.validation=0", "epochs=2",
                "model.name=cnn", "model.width=4", "attack.steps=2", "salience.maps=\(maps)",
            ]
            let trained = try ProgramRun.of(builtProgram("sipat"), ["train", "--recipe", "images", "--output", run] + settings.flatMap { ["--set", $0] })
            #expect(trained.status == 0 && trained.output.contains(name == "empty" ? "2 with a map, 4 confirmed empty, 0 unseen" : "2 with a map, 0 confirmed empty, 4 unseen"), "\(trained)")
            weights.insert(try TinyRun.weights(run))
        }
        #expect(weights.count == 1 && weights != ["none"], "\(weights)")
    }
}
