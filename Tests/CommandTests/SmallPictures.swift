import Foundation
import Images
import TestSupport
import Testing

/// A class folder of small PNG files with boxes in Pascal VOC's form, made by hand: `images/<class>/<name>.png`, `boxes/<name>.xml`.
struct SmallPictures {
    static let size = PixelSize(width: 16, height: 16)

    let folder: TemporaryFolder
    let names: [(path: String, className: String)]

    var images: String { folder.path + "/images" }
    var boxes: String { folder.path + "/boxes" }
    var shards: String { folder.path + "/shards" }

    /// Sixty pictures of three classes; every fifth has no boxes, every seventh has an annotation without any.
    init() throws {
        folder = try TemporaryFolder()
        var names: [(String, String)] = []
        try FileManager.default.createDirectory(atPath: folder.path + "/boxes", withIntermediateDirectories: true)
        for (number, className) in (0..<60).map({ ($0, ["bolt", "nut", "washer"][$0 / 20]) }) {
            let name = "\(className)-\(number)"
            try FileManager.default.createDirectory(atPath: "\(folder.path)/images/\(className)", withIntermediateDirectories: true)
            let pixels = (0..<Self.size.pixels).map { UInt8(truncatingIfNeeded: ($0 * (31 + 2 * (number / 20)) + number * 97) ^ ($0 >> 3)) }
            try Image(size: Self.size, channels: .grey, pixels: pixels).writePNG(to: "\(folder.path)/images/\(className)/\(name).png")
            names.append(("\(className)/\(name).png", className))
            guard number % 5 != 0 else { continue }
            let box =
                number % 7 == 0
                ? "" : "<object><name>part</name><bndbox><xmin>\(1 + number % 4)</xmin><ymin>3</ymin><xmax>\(9 + number % 5)</xmax><ymax>12</ymax></bndbox></object>"
            let text = "<annotation><filename>\(name).png</filename><size><width>16</width><height>16</height><depth>1</depth></size>\(box)</annotation>"
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/boxes/\(name).xml"))
        }
        self.names = names.map { (path: $0.0, className: $0.1) }
    }

    /// The same samples, in the order of the folder, in two tar files.
    func makeShards() throws {
        try FileManager.default.createDirectory(atPath: shards, withIntermediateDirectories: true)
        let files = folder.path + "/files"
        var members: [String] = []
        for (path, className) in names.sorted(by: { $0.path < $1.path }) {
            let key = String(path.dropLast(4))
            try FileManager.default.createDirectory(atPath: "\(files)/\(className)", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: "\(images)/\(path)", toPath: "\(files)/\(path)")
            try Data(className.utf8).write(to: URL(fileURLWithPath: "\(files)/\(key).cls"))
            members += [path, key + ".cls"]
        }
        for (shard, part) in [members[..<70], members[70...]].enumerated() {
            let run = try ProgramRun.of("tar", ["-C", files, "-cf", "\(shards)/shard-\(shard).tar"] + part)
            try #require(run.status == 0, "\(run)")
        }
    }

    /// A packed set of what `images` holds.
    func pack(_ more: String...) throws -> String {
        let pack = folder.path + "/small.pack"
        let run = try ProgramRun.of(builtProgram("sipat"), ["data", "pack", images, "--size", "16", "--channels", "1", "--output", pack] + more)
        try #require(run.status == 0, "\(run)")
        return pack
    }

    /// A run of a second on one epoch.
    func train(_ run: String, data: String, ranks: Int = 1, _ settings: [String], more: [String] = []) throws -> ProgramRun {
        let all =
            [
                "data.directory=\(data)", "data.size=16", "data.channels=1", "data.batch=16", "data.microBatch=4", "epochs=1", "model.name=cnn", "model.width=4",
                "attack.steps=2", "validation.limit=8", "validation.steps=2",
            ] + settings
        return try TinyRun.sipatOnRanks(ranks, ["train", "--recipe", "images", "--output", run] + all.flatMap { ["--set", $0] } + more)
    }
}
