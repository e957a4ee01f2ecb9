import Checkpoints
import Foundation
import TestSupport
import Testing

/// `sipat data` on small files of one's own.
@Suite struct DataCommandTests {
    private func pack(_ path: String, _ output: String, _ more: String...) throws -> ProgramRun {
        try TinyRun.sipat(["data", "pack", path, "--size", "16", "--channels", "1", "--output", output] + more)
    }

    @Test func forceReplacesOnlyOnceTheNewSetIsThere() throws {
        let pictures = try SmallPictures()
        let set = try pictures.pack()
        let header = try Data(contentsOf: URL(fileURLWithPath: set + "/pack.json"))
        let missing = try pack(pictures.folder.path + "/nowhere", set, "--force")
        #expect(missing.status == 74, "\(missing)")
        let own = try pack(set, set + "/", "--force")
        #expect(own.status == 64 && own.errors.contains("would overwrite"), "\(own)")
        // Images that lie in the set that is to be replaced.
        try FileManager.default.copyItem(atPath: pictures.images, toPath: set + "/images")
        let inside = try pack(set + "/images", set, "--force")
        #expect(inside.status == 64 && inside.errors.contains("would overwrite"), "\(inside)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: set + "/pack.json")) == header)
        let replaced = try pack(pictures.images, set, "--force", "--test-share", "0.5")
        #expect(replaced.status == 0 && replaced.output.contains("30 training and 30 test images"), "\(replaced)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: set + "/pack.json")) != header)
        #expect(try TinyRun.sipat("data", "check", set).status == 0)
    }

    @Test func damagedSetsAreNoSetsWithoutImages() throws {
        let pictures = try SmallPictures()
        let set = try pictures.pack("--test-share", "0")
        let sound = try TinyRun.sipat("data", "check", set)
        #expect(sound.status == 0 && sound.output.contains("train: 60 images") && sound.output.contains("test: no images"), "\(sound)")
        let pixels = try Data(contentsOf: URL(fileURLWithPath: set + "/images.u8"))
        try pixels.dropLast().write(to: URL(fileURLWithPath: set + "/images.u8"))
        let short = try TinyRun.sipat("data", "check", set)
        #expect(short.status == 65 && short.errors.contains("images.u8"), "\(short)")
        try pixels.write(to: URL(fileURLWithPath: set + "/images.u8"))
        try FileManager.default.removeItem(atPath: set + "/labels.i32")
        let without = try TinyRun.sipat("data", "check", set)
        #expect(without.status == 74 && without.errors.contains("labels.i32"), "\(without)")
    }

    /// Weights alone do not say how their images were read.
    @Test func weightsAloneAreToldHowFilesAreRead() throws {
        let pictures = try SmallPictures()
        let run = pictures.folder.path + "/run"
        let trained = try pictures.train(run, data: pictures.images, ["mode=natural"])
        try #require(trained.status == 0, "\(trained)")
        let weights = pictures.folder.path + "/alone.safetensors"
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        try FileManager.default.copyItem(atPath: checkpoint.path(of: "weights.safetensors"), toPath: weights)
        func table(_ run: ProgramRun) -> [Substring] { run.output.split(separator: "\n").filter { $0.hasPrefix("|") } }
        let expected = try TinyRun.sipat("evaluate", "--data", pictures.images, "--epsilons", "0", "--weights", run)
        let alone = ["--weights", weights, "--model", "cnn", "--width", "4", "--channels", "1"]
        func evaluateAlone(_ words: String...) throws -> ProgramRun { try TinyRun.sipat(["evaluate", "--data", pictures.images, "--epsilons", "0"] + alone + words) }
        let told = try evaluateAlone("--size", "16", "--fit", "resize")
        #expect(expected.status == 0 && told.status == 0 && !table(told).isEmpty && table(told) == table(expected) && !told.errors.contains("--size"), "\(told) \(expected)")
        let untold = try evaluateAlone()
        #expect(untold.status == 0 && untold.errors.contains("64×64") && untold.errors.contains("--size"), "\(untold)")
        let half = try evaluateAlone("--size", "16", "--test-share", "0.5", "--split-seed", "1")
        #expect(half.status == 0 && half.output.contains("30 images"), "\(half)")
        let labels = try evaluateAlone("--size", "16", "--label-from", "^([a-z]+)-")
        #expect(labels.status == 0 && labels.output.contains("12 images"), "\(labels)")
        let misplaced = try TinyRun.sipat(["evaluate", "--data", "synthetic", "--size", "16"] + alone.prefix(2))
        #expect(misplaced.status == 64 && misplaced.errors.contains("--size is for image files"), "\(misplaced)")
    }

    /// A line break in a file's name does not break the lines of a list.
    @Test func namesStayOnOneLine() throws {
        let pictures = try SmallPictures()
        for name in ["bad\nWARNING.png", "notes\n.txt"] { try Data("<html>".utf8).write(to: URL(fileURLWithPath: "\(pictures.images)/bolt/\(name)")) }
        for copy in ["a\r\nb", "c"] {
            try FileManager.default.copyItem(atPath: pictures.images + "/" + pictures.names[0].path, toPath: "\(pictures.images)/bolt/\(copy).png")
        }
        let checked = try TinyRun.sipat("data", "check", pictures.images)
        let lines = checked.output.split(separator: "\n")
        #expect(checked.status == 65 && !lines.contains { $0.hasPrefix("WARNING.png") }, "\(checked)")
        for text in [#"bolt/notes\n.txt: "#, #"bolt/a\r\nb.png, "#, #"bad\nWARNING.png"#] { #expect(checked.output.contains(text), "no \(text): \(checked)") }
        let packed = try pack(pictures.images, pictures.folder.path + "/p", "--skip-bad")
        #expect(packed.status == 0 && packed.output.contains(#"bad\nWARNING.png"#), "\(packed)")
    }

    /// Masks that a manifest names are found from any folder.
    @Test func whatWasPackedIsKnownFromAnywhere() throws {
        let pictures = try SmallPictures()
        let packed = try ProgramRun.of(
            builtProgram("sipat"), ["data", "pack", "images", "--size", "16", "--output", "p"], directory: URL(fileURLWithPath: pictures.folder.path))
        let header = try String(contentsOfFile: pictures.folder.path + "/p/pack.json", encoding: .utf8)
        #expect(packed.status == 0 && header.contains(#"/images""#) && header.contains(#""source" : "/"#), "\(packed) \(header)")
    }
}
