import Datasets
import Diagnostics
import Foundation
import Images
import TestSupport
import Testing

@Suite("WebDataset shards")
struct ShardTests {
    private let settings = FitSettings(size: PixelSize(width: 8, height: 8), channels: .grey)

    /// `tar` archives `names` of the folder in this order.
    private func tar(_ folder: TemporaryFolder, _ archive: String, _ names: [String], format: String = "ustar") throws {
        let run = try ProgramRun.of("tar", ["--format=\(format)", "-C", folder.path + "/files", "-cf", folder.path + "/" + archive] + names)
        try #require(run.status == 0, "\(run)")
    }

    private func makeFiles(_ folder: TemporaryFolder, _ count: Int, prefix: String = "") throws -> [String] {
        try (0..<count).flatMap { index in
            let key = "\(prefix)\(index)"
            try folder.write(png(UInt8(index)), to: "files/\(key).jpg")
            try folder.write(Array("\(index % 3)\n".utf8), to: "files/\(key).cls")
            try folder.write(Array("{\"group\": \"g\(index / 2)\", \"caption\": \"x\"}".utf8), to: "files/\(key).json")
            return ["\(key).cls", "\(key).jpg", "\(key).json"]
        }
    }

    @Test(arguments: ["ustar", "gnu", "pax", "v7"])
    func samplesAreFound(_ format: String) throws {
        let folder = try TemporaryFolder()
        // Longer than the 100 bytes of a plain header, where the format can have it.
        let prefix = format == "v7" ? "" : String(repeating: "long/", count: 30)
        let names = try makeFiles(folder, 12, prefix: prefix)
        try FileManager.default.createDirectory(atPath: folder.path + "/shards", withIntermediateDirectories: true)
        try tar(folder, "shards/train-000.tar", Array(names[..<18]), format: format)
        try tar(folder, "shards/test-000.tar", Array(names[18...]), format: format)
        for _ in 0..<2 {
            let found = try ImageCollection(at: folder.path + "/shards", options: CollectionOptions())
            #expect(found.layout == .shards && found.classNames == ["0", "1", "2"] && found.entries.count == 12)
            #expect(found.entries.count { $0.split == .train } == 6)
            let train = try FileImages(found, split: .train, settings: settings)
            #expect(train.labels == [0, 1, 2, 0, 1, 2] && train.groups?[0] == train.groups?[1] && train.groups?[0] != train.groups?[2])
            var pixels = [UInt8](repeating: 0, count: 64)
            for index in 0..<6 {
                _ = try train.read(index, .none, into: &pixels)
                #expect(Int(pixels[63]) == index && train.title(of: index) == "\(prefix)\(index)")
            }
            // The second time around the index is read.
            #expect(FileManager.default.fileExists(atPath: folder.path + "/shards/train-000.tar.index"))
        }
    }

    @Test func damageIsNamed() throws {
        let folder = try TemporaryFolder()
        try tar(folder, "all.tar", makeFiles(folder, 4))
        let path = folder.path + "/all.tar"
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        func expect(_ data: Data, _ fragments: [String]) throws {
            try? FileManager.default.removeItem(atPath: path + ".index")
            try data.write(to: URL(fileURLWithPath: path))
            expectFailure(.badData, fragments) { _ = try ImageCollection(at: path, options: CollectionOptions()) }
        }
        try expect(sound[..<1700], ["all.tar", "ends within"])
        try expect(Data([0x1F, 0x8B]) + sound, ["all.tar", "compressed"])
        var damaged = sound
        damaged[512 * 2 + 3] ^= 0x40
        try expect(damaged, ["all.tar", "not a tar header"])
        try expect(Data(), ["all.tar"])
    }

    /// A member as ustar writes it, checksum and all.
    private func member(_ name: String, _ contents: [UInt8] = [], type: Character = "0", link: String = "") -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at place: Int) { for (index, byte) in text.utf8.enumerated() { header[place + index] = byte } }
        func octal(_ number: Int, _ digits: Int) -> String { String(String(number + 1 << (3 * digits), radix: 8).suffix(digits)) }
        put(name, at: 0)
        put(octal(contents.count, 11), at: 124)
        put(String(repeating: " ", count: 8), at: 148)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
        return header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    /// pax's size goes before the header's; one below 0 led back to what had been read.
    @Test(arguments: ["-5", "-2048", "x", "99999999999999999999", "9223372036854775807"]) func sizesThatCannotBeAreRefused(_ size: String) throws {
        let folder = try TemporaryFolder()
        let line = " size=\(size)\n"
        let pax = Array("\(line.utf8.count + 2)\(line)".utf8)
        try #require(pax.count >= 10 && pax.count < 100 && pax.count == line.utf8.count + 2)
        try folder.write(member("pax", pax, type: "x") + member("a.cls", Array("0".utf8)) + member("a.png", png(1)), to: "all.tar")
        expectFailure(.badData, ["all.tar", "byte 1024"]) { _ = try ImageCollection(at: folder.path + "/all.tar", options: CollectionOptions()) }
    }

    private func sample(_ key: String, _ value: UInt8) throws -> [UInt8] { try member(key + ".cls", Array("\(value % 2)".utf8)) + member(key + ".png", png(value)) }

    /// Nothing is lost without a word: names with dots, links, endings that nobody knows.
    @Test func whatIsPassedOverIsTold() throws {
        let folder = try TemporaryFolder()
        var archive = try sample("a", 0) + sample("b.v1", 1) + sample("b.v2", 2) + sample("c", 3)
        archive += member("c.seg.png", [1]) + member("d.cls", [0x30]) + member("d.png", type: "1", link: "a.png") + member("e.png", type: "2", link: "a.png")
        archive += member("f.png", type: "1", link: "nowhere.png") + member("g.cls", [0x30]) + member("g.webp", [1]) + member("h.cls", [0x30])
        archive += member(".i.png", [1]) + member("j.seg.png", [1])
        try folder.write(archive, to: "all.tar")
        let found = try ImageCollection(at: folder.path + "/all.tar", options: CollectionOptions(testShare: 0), anew: true)
        #expect(found.entries.map(\.path) == ["a", "b.v1", "b.v2", "c", "d"] && found.entries.map(\.label) == [0, 1, 0, 1, 0])
        let images = try FileImages(found, split: .train, settings: settings)
        var pixels = [UInt8](repeating: 0, count: 64)
        for (index, value) in [0, 1, 2, 3, 0].enumerated() {
            _ = try images.read(index, .none, into: &pixels)
            #expect(Int(pixels[63]) == value)
        }
        for (name, reason) in [
            ("c.seg.png", "ending"), ("e.png", "symbolic"), ("f.png", "link"), ("g.webp", "ending"), ("h.cls", "no image"), (".i.png", "hidden"), ("j.seg.png", "no label"),
        ] {
            #expect(found.ignored.count { $0.contains("/\(name): ") && $0.contains(reason) } == 1, "\(name): \(found.ignored)")
        }
        #expect(found.ignored.count == 7, "\(found.ignored)")
    }

    /// Keys that begin anew in each shard do not name a sample; then the shard's name does, too.
    @Test func samplesOfOneKeyAreToldApart() throws {
        let folder = try TemporaryFolder()
        for (shard, first) in [("train-0", 0), ("train-1", 10), ("test-0", 20)] {
            try folder.write((0..<3).flatMap { try sample("00\($0)", UInt8(first + $0)) }, to: "again/\(shard).tar")
            try folder.write((0..<3).flatMap { try sample("\(first + $0)", UInt8(first + $0)) }, to: "on/\(shard).tar")
        }
        let again = try ImageCollection(at: folder.path + "/again", options: CollectionOptions())
        #expect(again.entries.map(\.path) == ["test-0", "train-0", "train-1"].flatMap { shard in (0..<3).map { "\(shard)/00\($0)" } })
        let on = try ImageCollection(at: folder.path + "/on", options: CollectionOptions())
        #expect(on.entries.map(\.path) == [20, 21, 22, 0, 1, 2, 10, 11, 12].map { "\($0)" })
        let one = try FileImages(again, split: .train, settings: settings, leavingOut: ["train-1/001"])
        #expect(try one.names() == ["train-0/000", "train-0/001", "train-0/002", "train-1/000", "train-1/002"])
    }

    @Test func partsAreWordsOfTheirOwn() throws {
        let folder = try TemporaryFolder()
        func parts(_ shards: [String]) throws -> [DatasetSplit?] {
            try? FileManager.default.removeItem(atPath: folder.path + "/set")
            for (index, shard) in shards.enumerated() { try folder.write(sample("\(index)", UInt8(index)), to: "set/\(shard).tar") }
            return try ImageCollection(at: folder.path + "/set", options: CollectionOptions(testShare: 0)).entries.map(\.split)
        }
        #expect(try parts(["testimony-0", "trainer-0", "valve-0"]) == [.train, .train, .train])
        #expect(try parts(["train-0", "val-0"]) == [.train, .test])
        #expect(try parts(["test_0", "train0", "val-0"]) == [.test, .train, .train])
    }

    /// A stray archive beside class folders, and a sound one.
    @Test func whatLiesBesideShardsIsTold() throws {
        let folder = try TemporaryFolder()
        try folder.write(png(1), to: "cat/1.png")
        try folder.write(member("cat/1.png", png(1)), to: "backup.tar")
        do {
            _ = try ImageCollection(at: folder.path, options: CollectionOptions())
            Issue.record("the archive holds no labels")
        } catch let failure as Failure {
            #expect(failure.message.contains("backup.tar") && failure.remedy?.contains("cat/") == true, "\(failure)")
        }
        try folder.write(sample("a", 1) + sample("b", 2), to: "backup.tar")
        #expect(try ImageCollection(at: folder.path, options: CollectionOptions()).ignored == ["cat/: lies beside the shards"])
    }

    @Test func samplesWithoutLabelsAreNamed() throws {
        let folder = try TemporaryFolder()
        try folder.write(png(3), to: "files/lonely.png")
        try tar(folder, "all.tar", ["lonely.png"])
        expectFailure(.badData, ["lonely", "no label"]) { _ = try ImageCollection(at: folder.path + "/all.tar", options: CollectionOptions()) }
    }

    @Test func anIndexOfAnotherArchiveIsNotBelieved() throws {
        let folder = try TemporaryFolder()
        let names = try makeFiles(folder, 4)
        try tar(folder, "all.tar", names)
        let (archive, index) = (folder.path + "/all.tar", folder.path + "/all.tar.index")
        func classes(anew: Bool = false) throws -> [String] {
            let found = try ImageCollection(at: archive, options: CollectionOptions(), anew: anew)
            return found.entries.map { found.classNames[Int($0.label)] }
        }
        // Nothing is written where the archive is only to be looked at.
        #expect(try classes(anew: true) == ["0", "1", "2", "0"] && !FileManager.default.fileExists(atPath: index))
        // An index as it was before it knew the archive's time.
        let size = try Data(contentsOf: URL(fileURLWithPath: archive)).count
        for text in ["sipat-shard-index 1 77\nx\t0\t10\tcat\t\n", "sipat-shard-index 1 \(size)\nx\t0\t10\tcat\t\n"] {
            try folder.write(Array(text.utf8), to: "all.tar.index")
            #expect(try classes() == ["0", "1", "2", "0"])
        }
        // It was written again, and is believed as it stands, unless a line cannot be read or is missing.
        let written = try String(contentsOfFile: index, encoding: .utf8)
        try folder.write(Array(written.replacingOccurrences(of: "\t2\t", with: "\t1\t").utf8), to: "all.tar.index")
        #expect(try classes() == ["0", "1", "1", "0"] && classes(anew: true) == ["0", "1", "2", "0"])
        let lines = written.split(separator: "\n")
        for damaged in [lines.dropLast(), lines.dropLast() + ["3\t-5\t10\t0\t"], lines.dropLast() + ["3\t0\t9223372036854775807\t0\t"]] {
            try folder.write(Array((damaged.joined(separator: "\n") + "\n").utf8), to: "all.tar.index")
            #expect(try classes() == ["0", "1", "2", "0"])
        }
        // Other labels in an archive of the same size.
        try folder.write(Array("7\n".utf8), to: "files/2.cls")
        try tar(folder, "all.tar", names)
        #expect(try Data(contentsOf: URL(fileURLWithPath: archive)).count == size && classes() == ["0", "1", "7", "0"])
    }
}
