import Datasets
import Diagnostics
import Foundation
import Images
import Kernels
import Salience
import Testing

@Suite("Image files and packed sets")
struct PackedSetTests {
    /// Three classes of pictures of several sizes, all different.
    private func makeImages(_ folder: TemporaryFolder) throws {
        for label in 0..<3 {
            for index in 0..<8 {
                let size = PixelSize(width: 9 + index, height: 20 - index)
                let pixels = pseudoRandomBytes(size.pixels * 3, seed: UInt64(label * 100 + index))
                try folder.write(
                    Image(size: size, channels: .colour, pixels: pixels).encodedAsPNG(), to: "images/class \(label)/\(index).png")
            }
        }
    }

    private let settings = FitSettings(size: PixelSize(width: 12, height: 12), channels: .colour)

    private func contents(_ source: any ImageSource, _ augmentation: Augmentation) throws -> [BatchContents] {
        let plan = EpochPlan(trainingIndices: Array(0..<source.count), batchSize: 8, microBatchSize: 4, seed: 5)
        let assembler = BatchAssembler(dataset: source, plan: plan, augmentation: augmentation, seed: 9) { 0..<$0 }
        return try (0..<plan.stepsPerEpoch).map { step in
            let batch = assembler.makeBatch()
            try assembler.fill(batch, epoch: 2, step: step, order: plan.order(epoch: 2))
            return BatchContents(batch)
        }
    }

    @Test(arguments: [FitSettings.Rule.resize, .crop])
    func filesAndPackedSetsGiveTheSameBatches(_ rule: FitSettings.Rule) throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        var settings = settings
        settings.rule = rule
        let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions(testShare: 0.25))
        let writer = PackWriter(collection: collection, settings: settings, skipsBadFiles: false, source: "images")
        let outcome = try writer.write(to: folder.path + "/pack")
        #expect(outcome.train == 18 && outcome.test == 6 && outcome.skipped.isEmpty)
        for split in DatasetSplit.allCases {
            let packed = try PackedSet(folder.path + "/pack", split: split)
            let files = try FileImages(collection, split: split, settings: settings)
            #expect(packed.labels == files.labels && packed.classNames == files.classNames && packed.imageShape == files.imageShape)
            for augmentation in [Augmentation.none, Augmentation(cropPadding: 3, horizontalFlip: true)] {
                #expect(try contents(packed, augmentation) == contents(files, augmentation))
            }
            try packed.verify()
            #expect(try packed.origins().map(\.path) == (0..<files.count).map(files.title))
        }
    }

    /// A store made for the files serves the packed set, by name; a random crop of a file shows shapes as they were drawn.
    @Test(arguments: [FitSettings.Rule.resize, .crop]) func mapsOfAStoreFollowTheirImages(_ rule: FitSettings.Rule) throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        var settings = settings
        settings.rule = rule
        let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions(testShare: 0.25))
        _ = try PackWriter(collection: collection, settings: settings, skipsBadFiles: false, source: "images").write(to: folder.path + "/pack")
        let (files, packed) = (try FileImages(collection, split: .train, settings: settings), try PackedSet(folder.path + "/pack", split: .train))
        let originals = try files.originals()
        #expect(try packed.originals() == originals)
        let hashes = try files.fileHashes([0, 3, 1])
        #expect(try packed.fileHashes([0, 3, 1]) == hashes && hashes == [0, 3, 1].map { originals[$0].fileHash } && Set(hashes).count == 3 && !hashes.contains(nil))
        let identity = SalienceProvenance.Dataset(name: "images", split: "train", count: files.count, fingerprint: files.fingerprint)
        let writer = try SalienceStoreWriter(to: folder.path + "/maps", size: files.imageSize, fit: rule, datasets: [identity], createdBy: "tests")
        let origin = try writer.number(of: SalienceOrigin(kind: .person, name: "me", createdBy: "tests"))
        for (index, original) in originals.enumerated() {
            let shapes = OutlinedMap([.box(Box(left: 1.5, top: 2, right: 6.25, bottom: 11))], size: original.storedSize)
            let content: SalienceContent = [.outlines(shapes), .empty, .unseen][index % 3]
            try writer.add(image: original.name, content, origin: index % 3 == 2 ? nil : origin)
        }
        _ = try writer.finish()
        let store = try SalienceStore(folder.path + "/maps")
        func annotated(_ images: any ImageSource) throws -> any ImageSource {
            let own = SalienceProvenance.Dataset(name: "images", split: "train", count: images.count, fingerprint: images.fingerprint)
            return try images.attachingSalience(StoredSalience(store, for: own, size: images.imageSize, fit: images.fitRule, names: images.names))
        }
        let (ofFiles, ofPack) = (try annotated(files), try annotated(packed))
        #expect(ofFiles.salienceCounts.summary == "6 with a map, 6 confirmed empty, 6 unseen" && ofPack.salienceCounts == ofFiles.salienceCounts)
        let batches = try contents(ofFiles, Augmentation(cropPadding: 3, horizontalFlip: true))
        #expect(try batches == contents(ofPack, Augmentation(cropPadding: 3, horizontalFlip: true)))
        #expect(batches.reduce(0) { $0 + $1.annotated.count { $0 } } == 6)
        var pixels = [UInt8](repeating: 0, count: settings.shape.count)
        var map = [Float](repeating: 0, count: 144)
        let draw = SampleDraw(Augmentation(cropPadding: 0, horizontalFlip: true, randomResizedCrop: .imageNet), seed: 1, epoch: 4, sample: 3)
        let geometry = try ofFiles.read(3, draw, into: &pixels)
        #expect(try ofFiles.readMap(3, geometry, into: &map))
        let expected = geometry.fit.draw([.box(Box(left: 1.5, top: 2, right: 6.25, bottom: 11))]).values
        #expect(map == expected.map { Float($0) / 255 } && expected.contains { $0 > 0 })
        #expect(try !ofFiles.readMap(4, geometry, into: &map))
        // The same maps elsewhere or of other images are not the same data.
        #expect(ofFiles.salienceFingerprint == store.header.parts[0].digest && ofPack.salienceFingerprint != ofFiles.salienceFingerprint)
    }

    @Test func randomResizedCropsComeFromTheSource() throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions(testShare: 0.25))
        let files = try FileImages(collection, split: .train, settings: settings)
        let augmentation = Augmentation(cropPadding: 0, horizontalFlip: true, randomResizedCrop: .imageNet)
        let draw = SampleDraw(augmentation, seed: 1, epoch: 4, sample: 7)
        var pixels = [UInt8](repeating: 0, count: settings.shape.count)
        let geometry = try files.read(7, draw, into: &pixels)
        let path = folder.path + "/images/" + files.title(of: 7)
        let image = try Image.read(path, options: DecodingOptions(channels: .colour)).image
        #expect(geometry.fit.source == image.size && geometry.fit.box != Box(image.size))
        #expect(geometry.fit.apply(to: image).pixels == pixels)
        // A map that is the fitted image's follows into the same box: nearly the same, as it was resized before.
        let provenance = SalienceProvenance(source: .human, dataset: .init(name: "images", split: "train", count: files.count), createdBy: "tests")
        let maps = SalienceMaps(bytes: [UInt8](repeating: 255, count: files.count * 144), count: files.count, height: 12, width: 12, provenance: provenance)
        let annotated = try files.attachingSalience(maps)
        var map = [Float](repeating: 0, count: 144)
        #expect(try annotated.readMap(7, geometry, into: &map) && map.allSatisfy { $0 == 1 })
    }

    /// A random crop of a wide image of which fitting keeps the middle: what a map marks lies where the image's pixels do, and what
    /// was cut away is as the map's border.
    @Test(arguments: [false, true]) func mapsFollowCropsThatReachBeyondWhatWasFitted(flipped: Bool) {
        let (source, size) = (PixelSize(width: 200, height: 100), PixelSize(width: 64, height: 64))
        let fitted = FitRule.crop.geometry(from: source, to: size)
        func placed(_ map: [Float], right: Double) -> [Float] {
            let box = Box(left: 0, top: 0, right: right, bottom: 100)
            let geometry = SampleGeometry(fit: Geometry(source: source, box: box, output: size, flipped: flipped), placement: .identity)
            var result = [Float](repeating: -1, count: size.pixels)
            geometry.apply(toFittedMap: map, fitted: fitted, into: &result)
            return result
        }
        // Fitted column 10 shows the image from 65.625 to 67.1875, which is column 42 of the left half.
        let marked = placed((0..<size.pixels).map { $0 % 64 == 10 ? 1 : 0 }, right: 100)
        let column = flipped ? 21 : 42
        #expect(marked.indices.allSatisfy { marked[$0] == ($0 % 64 == column ? 1 : 0) })
        let border = placed((0..<size.pixels).map { $0 % 64 == 0 ? 1 : 0 }, right: 100)
        #expect(border.indices.allSatisfy { border[$0] == ((flipped ? 63 - $0 % 64 : $0 % 64) <= 32 ? 1 : 0) })
        // Wholly beyond it, too, a full map is full.
        for right in [25.0, 100, 200] { #expect(placed([Float](repeating: 1, count: size.pixels), right: right).allSatisfy { $0 == 1 }) }
    }

    @Test func badFilesAreListedOrLeftOut() throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        try folder.write([0x1F, 0x8B, 8], to: "images/class 1/bad.jpg")
        try folder.write([], to: "images/class 2/empty.png")
        let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions())
        let strict = PackWriter(collection: collection, settings: settings, skipsBadFiles: false, source: "images")
        expectFailure(.badData, ["2 of 26", "bad.jpg", "empty.png"]) { _ = try strict.write(to: folder.path + "/pack") }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/pack"))
        let lenient = PackWriter(collection: collection, settings: settings, skipsBadFiles: true, source: "images")
        let outcome = try lenient.write(to: folder.path + "/pack")
        #expect(outcome.train + outcome.test == 24 && outcome.skipped.count == 2)
        let described = try String(contentsOfFile: folder.path + "/pack/pack.json", encoding: .utf8)
        #expect(described.contains("bad.jpg") && described.contains("empty.png"))
        // Reading such a file names it.
        for split in DatasetSplit.allCases {
            let files = try FileImages(collection, split: split, settings: settings)
            for index in 0..<files.count where files.title(of: index).hasSuffix("bad.jpg") {
                expectFailure(.badData, ["bad.jpg", "gzip"]) {
                    var pixels = [UInt8](repeating: 0, count: settings.shape.count)
                    _ = try files.read(index, .none, into: &pixels)
                }
            }
        }
        let report = try CollectionReport(collection)
        #expect(report.problems.map(\.path).sorted() == ["class 1/bad.jpg", "class 2/empty.png"])
    }

    /// The old set stays until the new one is complete.
    @Test func aSetIsReplacedAtTheEnd() throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        let pack = folder.path + "/pack"
        func write(_ settings: FitSettings) throws {
            let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions())
            _ = try PackWriter(collection: collection, settings: settings, skipsBadFiles: false, source: "images").write(to: pack + "/")
        }
        try write(settings)
        try write(FitSettings(size: PixelSize(width: 5, height: 5), channels: .grey))
        #expect(try PackedSet(pack, split: .train).imageShape == ImageShape(height: 5, width: 5, channels: 1))
        try folder.write([1, 2, 3], to: "images/class 1/bad.png")
        expectFailure(.badData, ["bad.png"]) { try write(settings) }
        #expect(try PackedSet(pack, split: .train).imageShape.channels == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["images", "pack"])
    }

    @Test func damageIsFound() throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        let collection = try ImageCollection(at: folder.path + "/images", options: CollectionOptions())
        let pack = folder.path + "/pack"
        _ = try PackWriter(collection: collection, settings: settings, skipsBadFiles: false, source: "images").write(to: pack)
        func changed(_ name: String, _ change: (inout Data) -> Void, _ fragments: [String], verify: Bool = false) throws {
            let url = URL(fileURLWithPath: pack + "/" + name)
            let before = try Data(contentsOf: url)
            var data = before
            change(&data)
            try data.write(to: url)
            expectFailure(.badData, fragments) {
                let set = try PackedSet(pack, split: .train)
                if verify { try set.verify() }
            }
            try before.write(to: url)
        }
        #expect(try PackedSet.splits(of: pack) == [.train, .test])
        try changed("images.u8", { $0.removeLast() }, ["images.u8", "bytes"])
        try changed("images.u8", { $0[100] ^= 1 }, ["hash"], verify: true)
        try changed("labels.i32", { $0[0] = 9 }, ["labels.i32", "label 9"])
        try changed("labels.i32", { $0.removeLast() }, ["labels.i32"])
        func replace(_ pairs: (String, String)...) -> (inout Data) -> Void {
            return { data in
                let text = pairs.reduce(String(decoding: data, as: UTF8.self)) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
                data = Data(text.utf8)
            }
        }
        try changed("index.jsonl", replace(("class 2/0.png", "class 2/9.png")), ["index.jsonl", "hash"], verify: true)
        try changed("index.jsonl", { $0 = $0.prefix(500) }, ["index.jsonl"], verify: true)
        try changed("pack.json", replace(("\"class 2\"", "\"class 3\"")), ["classes", "hash"], verify: true)
        try changed("pack.json", { $0 = Data("{}".utf8) }, ["pack.json"])
        let huge = replace(("\"height\" : 12", "\"height\" : 65536"), ("\"width\" : 12", "\"width\" : 65536"), ("\"train\" : ", "\"train\" : 9999999999"))
        try changed("pack.json", huge, ["pack.json", "more than there can be"])
        try changed("pack.json", { $0 = Data(String(decoding: $0, as: UTF8.self).replacingOccurrences(of: "\"channels\" : 3", with: "\"channels\" : 2").utf8) }, ["channels is 2"])
    }

    @Test func duplicatesAreFound() throws {
        let folder = try TemporaryFolder()
        try makeImages(folder)
        let original = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/images/class 0/0.png"))
        try folder.write(Array(original), to: "images/class 1/copy.png")
        // The same picture, larger: other bytes.
        let image = Image(size: PixelSize(width: 68, height: 64), channels: .colour, pixels: pseudoRandomBytes(68 * 64 * 3, seed: 5))
        try folder.write(image.encodedAsPNG(), to: "images/class 2/large.png")
        let larger = Geometry(source: image.size, output: PixelSize(width: 136, height: 128)).apply(to: image)
        try folder.write(larger.encodedAsPNG(), to: "images/class 2/larger.png")
        let report = try CollectionReport(ImageCollection(at: folder.path + "/images", options: CollectionOptions()))
        #expect(report.exactDuplicates.map(\.paths) == [["class 0/0.png", "class 1/copy.png"]])
        #expect(report.exactDuplicates[0].crossesLabels)
        #expect(report.nearDuplicates.map(\.paths) == [["class 2/large.png", "class 2/larger.png"]] && report.nearPairs.count == 1)
        #expect(report.problems.isEmpty && report.formats == ["PNG colour": 27])
    }

    /// n alike images make n²/2 pairs, of which a few are kept; plain ones are not alike for being plain.
    @Test func manyAlikeImagesAreCounted() throws {
        let folder = try TemporaryFolder()
        let picture = pseudoRandomBytes(68 * 64, seed: 5)
        for index in 0..<40 {
            // Of 17×16 blocks, one pixel in a corner differs: other bytes, the same hash.
            var pixels = picture
            pixels[0] = UInt8(index)
            try folder.write(Image(size: PixelSize(width: 68, height: 64), channels: .grey, pixels: pixels).encodedAsPNG(), to: "\(index % 2)/alike\(index).png")
            let plain = [UInt8](repeating: UInt8(index * 3), count: 64)
            try folder.write(Image(size: PixelSize(width: 8, height: 8), channels: .grey, pixels: plain).encodedAsPNG(), to: "0/plain\(index).png")
        }
        let report = try CollectionReport(ImageCollection(at: folder.path, options: CollectionOptions()))
        #expect(report.exactDuplicates.isEmpty && report.nearPairs.count == 780 && report.nearPairs.crossingLabels == 400 && report.nearPairs.sets == 1)
        #expect(report.nearDuplicates.count < 30 && report.nearDuplicates.contains(where: \.crossesLabels) && report.nearDuplicates.contains(where: \.crossesSplits))
        #expect(report.nearDuplicates.allSatisfy { $0.paths.allSatisfy { $0.contains("alike") } })
    }
}
