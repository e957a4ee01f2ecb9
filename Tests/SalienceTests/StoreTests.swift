import Diagnostics
import Foundation
import Images
import Salience
import Testing

@Suite struct StoreTests {
    let folder: TemporaryFolder
    var path: String { folder.file("maps") }
    private let size = PixelSize(width: 4, height: 2)
    private let import_ = SalienceOrigin(kind: .import, name: "voc", when: "2026-01-02T03:04:05Z", path: "a/b", createdBy: "tests")
    private let guess = SalienceOrigin(.init(name: "centre-prior", settings: ["sigma": .number(0.25)]), when: "2026-01-02T03:04:06Z", createdBy: "tests")

    init() throws { folder = try TemporaryFolder() }

    private func datasets(_ train: Int, _ test: Int) -> [SalienceProvenance.Dataset] {
        [.init(name: "images", split: "train", count: train, fingerprint: "f1"), .init(name: "images", split: "test", count: test, fingerprint: "f2")]
    }

    /// Three training images (pixels, shapes, unseen) and two test images (empty, shapes).
    @discardableResult
    private func write(to path: String? = nil, pixels: [UInt8] = [0, 51, 102, 255, 0, 0, 0, 0], shapesOnly: Bool = false) throws -> SalienceHeader {
        let writer = try SalienceStoreWriter(to: path ?? self.path, size: size, fit: .resize, datasets: datasets(3, 2), createdBy: "tests")
        let (a, b) = (try writer.number(of: import_), try writer.number(of: guess))
        let box = OutlinedMap([.box(Box(left: 0, top: 0, right: 20, bottom: 10)), .polygon([Point(x: 20, y: 10), Point(x: 40, y: 10), Point(x: 40, y: 20), Point(x: 20, y: 20)])], size: PixelSize(width: 40, height: 20))
        try writer.add(image: "x/1.jpg", shapesOnly ? .outlines(box) : .pixels(pixels), origin: b)
        try writer.add(image: "x/2.jpg", .outlines(box), origin: a, file: "2.xml", fileHash: "abc", replaced: [.init(state: .map, origin: b, map: "old")], remarks: ["1 box clipped"])
        try writer.add(image: "x/3.jpg", .unseen, origin: nil)
        try writer.add(image: "y/4.jpg", .empty, origin: a, file: "4.xml")
        try writer.add(image: "y/5.jpg", .outlines(box), origin: a)
        return try writer.finish()
    }

    private func map(_ source: some SalienceSource, _ index: Int) throws -> [Float] {
        var values = [Float](repeating: -1, count: source.size.pixels)
        try source.read(index, into: &values)
        return values
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let header = try write()
        let store = try SalienceStore(path)
        #expect(store.header == header && SalienceStore.isStore(path) && header.count == 5)
        #expect(header.parts.map(\.counts.summary) == ["2 with a map, 0 confirmed empty, 1 unseen", "1 with a map, 1 confirmed empty, 0 unseen"])
        let train = try StoredSalience(store, split: "train")
        #expect(train.count == 3 && train.origins == [import_, guess] && (0..<3).map(train.state) == [.map, .map, .unseen])
        #expect(try map(train, 0) == [0, 0.2, 0.4, 1, 0, 0, 0, 0])
        #expect(try map(train, 1) == [1, 1, 0, 0, 0, 0, 1, 1])
        #expect(try map(train, 2) == [Float](repeating: 0, count: 8))
        #expect(try train.outlines(of: 1)?.size == PixelSize(width: 40, height: 20) && train.outlines(of: 0) == nil)
        let test = try StoredSalience(store, split: "test")
        #expect((0..<2).map(test.state) == [.empty, .map])
        #expect(try map(test, 1) == [1, 1, 0, 0, 0, 0, 1, 1])
        var records: [SalienceRecord] = []
        try store.forEachRecord { records.append($1) }
        #expect(records.map(\.image) == ["x/1.jpg", "x/2.jpg", "x/3.jpg", "y/4.jpg", "y/5.jpg"] && records.map(\.origin) == [1, 0, nil, 0, 0])
        #expect(records[1].replaced == [.init(state: .map, origin: 1, map: "old")] && records[1].remarks == ["1 box clipped"])
        #expect(records[1].map == records[4].map && records[1].map?.count == 64 && records[3].map == nil)
        try store.verify()
        // The same maps in the same order have the same hash, wherever they are; other ones have not.
        #expect(try write(to: folder.file("again")).parts == header.parts)
        #expect(try write(to: folder.file("other"), pixels: [0, 51, 102, 254, 0, 0, 0, 0]).parts[0].digest != header.parts[0].digest)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["again", "maps", "other"])
    }

    @Test func imagesOfOtherDataAreFoundByName() throws {
        try write()
        let store = try SalienceStore(path)
        func open(_ names: [String], fingerprint: String = "other", size: PixelSize? = nil, split: String = "train") throws -> StoredSalience {
            try StoredSalience(
                store, for: .init(name: "shards", split: split, count: names.count, fingerprint: fingerprint), size: size ?? self.size, fit: .resize,
                names: { names })
        }
        // Across splits, with another folder and no extension.
        let found = try open(["files/5", "x/1.jpg", "4"])
        #expect((0..<3).map(found.state) == [.map, .map, .empty])
        #expect(try map(found, 1) == [0, 0.2, 0.4, 1, 0, 0, 0, 0])
        var names: [String] = []
        try found.forEachRecord { names.append($1.image) }
        #expect(names == ["y/5.jpg", "x/1.jpg", "y/4.jpg"])
        let missing = try #require(failure { _ = try open(["5", "6", "7"]) })
        #expect(missing.kind == .badData && missing.message.contains("2 of 3") && missing.message.contains("6 is the first"), "\(missing)")
        // Of the data set itself, names are not asked for.
        let own = try StoredSalience(store, for: datasets(3, 2)[0], size: size, fit: .resize) { throw Failure.usage("asked") }
        #expect(own.fingerprint == store.header.parts[0].digest && found.fingerprint != own.fingerprint)
        // Pixels have one size.
        let size = try #require(failure { _ = try open(["5"], size: PixelSize(width: 8, height: 4)) })
        #expect(size.message.contains("4×2") && size.message.contains("8×4"), "\(size)")
    }

    /// A name is not enough where the store knows the image's file.
    @Test func otherImagesOfTheSameNameAreRefused() throws {
        let writer = try SalienceStoreWriter(to: path, size: size, fit: .resize, datasets: datasets(3, 1), createdBy: "tests")
        let origin = try writer.number(of: import_)
        for (name, hash) in [("1", "00000000000000aa"), ("2", "bb"), ("3", nil), ("4", "dd")] as [(String, String?)] {
            try writer.add(image: name, .empty, imageHash: hash, origin: origin)
        }
        _ = try writer.finish()
        let store = try SalienceStore(path)
        func open(_ hashes: [String?]) throws -> StoredSalience {
            try StoredSalience(store, for: .init(name: "copy", split: "train", count: 3, fingerprint: "other"), size: size, fit: .resize, names: { ["3", "1", "2"] }) { wanted in
                wanted.map { hashes[$0] }
            }
        }
        #expect(try open(["ee", "aa", "bb"]).count == 3, "of 3 nothing is known")
        #expect(try open([nil, nil, "00000000000000bb"]).count == 3, "nor is of 1 here")
        let found = try #require(failure { _ = try open(["ee", "ab", "bb"]) })
        #expect(found.kind == .badData && found.message.contains("1 of 2 images of copy train") && found.message.contains("1 is the first") && found.remedy != nil, "\(found)")
        #expect(failure { _ = try open([nil, "ab", "bc"]) }?.message.contains("2 of 2 images") == true)
        var records: [SalienceRecord] = []
        try store.forEachRecord { records.append($1) }
        #expect(records.map(\.imageHash) == ["00000000000000aa", "bb", nil, "dd"])
        // Numbers name nothing.
        try store.requireMade(for: datasets(3, 1)[0])
        for other in [SalienceProvenance.Dataset(name: "images", split: "train", count: 3, fingerprint: "f3"), .init(name: "images", split: "valid", count: 3, fingerprint: "f1")] {
            #expect(failure { try store.requireMade(for: other) }?.kind == .badData)
        }
    }

    @Test func shapesServeAnySize() throws {
        try write(shapesOnly: true)
        let large = try StoredSalience(SalienceStore(path), for: datasets(3, 2)[0], size: PixelSize(width: 8, height: 4), fit: .resize) { [] }
        #expect(try map(large, 1) == ([1, 1, 1, 1, 0, 0, 0, 0] + [1, 1, 1, 1, 0, 0, 0, 0] + [0, 0, 0, 0, 1, 1, 1, 1] + [0, 0, 0, 0, 1, 1, 1, 1]))
        // The middle 20 of 40 columns.
        let square = try StoredSalience(SalienceStore(path), for: datasets(3, 2)[0], size: PixelSize(width: 2, height: 2), fit: .crop) { [] }
        #expect(try map(square, 1) == [1, 0, 0, 1])
    }

    @Test func aDamagedStoreIsRefused() throws {
        for (file, damage) in [
            ("index.bin", { (bytes: inout [UInt8]) in bytes.removeLast() }), ("index.bin", { $0[0] = 9 }), ("index.bin", { $0[8] = 9 }),
            ("index.bin", { $0[16 + 4] = 255 }), ("salience.json", { $0[0] = 0x20 }), ("index.bin", { $0[2] = 7 }),
        ] as [(String, (inout [UInt8]) -> Void)] {
            try write()
            var contents = try bytes(of: path + "/" + file)
            damage(&contents)
            try SalienceTests.write(contents, to: path + "/" + file)
            let found = try #require(failure { _ = try SalienceStore(path) }, "\(file)")
            #expect(found.kind == .badData && found.message.contains(file) && found.remedy != nil, "\(found)")
        }
        for (file, place) in [("maps.u8", 1), ("outlines.bin", 20), ("records.jsonl", 3)] {
            try write()
            var contents = try bytes(of: path + "/" + file)
            contents[place] ^= 1
            try SalienceTests.write(contents, to: path + "/" + file)
            let found = try #require(failure { try SalienceStore(path).verify() }, "\(file)")
            #expect(found.kind == .badData, "\(found)")
        }
    }

    @Test func aWriterThatIsGivenUpLeavesNothing() throws {
        do {
            let writer = try SalienceStoreWriter(to: path, size: size, fit: .resize, datasets: datasets(3, 2), createdBy: "tests")
            try writer.add(image: "1", .unseen, origin: nil)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func namesArePairedAsPeopleMeanThem() {
        let pairing = NamePairing(["a/one.jpg", "b/one.jpg", "b/two.PNG", "caf\u{65}\u{301}.jpg", "part.v2.jpg"])
        #expect(pairing.find("a/one.xml") == 0 && pairing.find("b\\one") == 1 && pairing.find("one") == nil)
        #expect(pairing.find("elsewhere/two.txt") == 2 && pairing.find("caf\u{e9}") == 3 && pairing.find("part.v2") == 4 && pairing.find("part") == nil)
        // Two that claim one by their last part both get nothing.
        #expect(pairing.pair(["x/two", "y/two", "b/two"]) == [nil, nil, 2])
    }

    /// An estimator that marks nothing has not looked; a person has.
    @Test func mapsOfZerosByEstimatorsAreUnseen() {
        #expect(SalienceContent(estimate: [0, 0]) == .unseen && SalienceContent(estimate: [0, 1]) == .pixels([0, 1]))
        #expect(SalienceContent(pixels: [0, 0]) == .empty)
    }

    /// Where the extension alone tells names apart, it does.
    @Test func namesThatDifferByTheirExtension() {
        let names = ["c/cat.png", "c/cat.jpg", "c/dog.jpg", "c/dog.jpg"]
        let pairing = NamePairing(names)
        #expect(pairing.pair(names) == [0, 1, 2, 2])
        #expect(pairing.find("c/cat.jpg") == 1 && pairing.find("cat.jpg") == 1 && pairing.find("cat") == nil && pairing.find("c/cat.xml") == nil)
        #expect(pairing.findWhole("c/cat.png", isImage: false) == nil && pairing.rivals(of: "c/cat.png", isImage: false) == ["c/cat.jpg", "c/cat.png"])
        #expect(pairing.rivals(of: "cat.xml") == ["c/cat.jpg", "c/cat.png"] && pairing.rivals(of: "cat.png").isEmpty && pairing.rivals(of: "dog").isEmpty)
        #expect(pairing.findSame("c/dog.jpg") == 2 && pairing.findSame("c/dog.png") == nil)
        // One partner for two that differ: it is the one of the same name.
        #expect(NamePairing(["c/cat.png"]).pair(["c/cat.png", "c/cat.jpg"]) == [0, nil])
        #expect(NamePairing(["c/cat.png"]).pair(["c/cat.bmp", "c/cat.jpg"]) == [nil, nil] && NamePairing(["c/cat.png"]).pair(["c/cat.jpg", "c/cat.jpg"]) == [0, 0])
    }
}
