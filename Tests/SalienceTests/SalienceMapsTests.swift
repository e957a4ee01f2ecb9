import Diagnostics
import Foundation
import Salience
import Testing

@Suite struct SalienceMapsTests {
    let folder: TemporaryFolder
    var path: String { folder.file("maps.npy") }

    init() throws { folder = try TemporaryFolder() }

    func map(_ maps: SalienceMaps, _ index: Int) -> [Float] {
        var values = [Float](repeating: -1, count: maps.pixels)
        values.withUnsafeMutableBufferPointer { maps.copy(index, into: $0.baseAddress!) }
        return values
    }

    /// Writes an array and a provenance that fits it.
    func writeFloats(_ values: [Float], _ shape: [Int]) throws {
        try values.withUnsafeBytes { try writeNpy($0, type: .float32, shape: shape, to: path) }
        try annotators(shape[0]).write(besides: path)
    }

    @Test func bytesAreDividedBy255() throws {
        try FileManager.default.copyItem(atPath: fixtures + "/uint8.npy", toPath: path)
        try annotators(2).write(besides: path)
        let maps = try SalienceMaps(contentsOf: path)
        #expect((maps.count, maps.height, maps.width) == (2, 3, 4))
        #expect(map(maps, 0) == (0..<12).map { Float($0 * 11) / 255 })
        #expect(map(maps, 1) == (12..<24).map { Float($0 * 11) / 255 })
        #expect(maps.provenance == annotators(2))
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let values: [Float] = [0, 1, 0.25, 0.5, 0, 0, 0, -0.0]
        try SalienceMaps(values: values, count: 2, height: 1, width: 4, provenance: annotators(2)).write(to: path)
        let maps = try SalienceMaps(contentsOf: path)
        #expect(map(maps, 0) == [0, 1, 0.25, 0.5] && map(maps, 1) == [0, 0, 0, 0])
        #expect(maps.isAnnotated(0) && !maps.isAnnotated(1))
        try SalienceMaps(bytes: [0, 255, 0, 0], count: 2, height: 1, width: 2, provenance: annotators(2)).write(to: path)
        let small = try SalienceMaps(contentsOf: path)
        #expect(map(small, 0) == [0, 1] && small.isAnnotated(0) && !small.isAnnotated(1))
        #expect(small.withUnsafeBytes { Array($0) } == [0, 255, 0, 0])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["maps.json", "maps.npy"])
    }

    @Test(arguments: [Float.nan, .infinity, -0.001, 1.001, 255]) func aValueOutsideTheRangeIsNamed(value: Float) throws {
        var values = [Float](repeating: 0.5, count: 5 * 2 * 3)
        values[3 * 6 + 4] = value
        try writeFloats(values, [5, 2, 3])
        let found = try #require(failure { _ = try SalienceMaps(contentsOf: path) })
        #expect(found.message.contains("image 3 has salience \(value) at row 1, column 1") && found.message.contains(path), "\(found)")
        #expect(failure { _ = try SalienceMaps(values: values, count: 5, height: 2, width: 3, provenance: annotators(5)) } != nil)
    }

    @Test func masksOfZeroAndOneAreNotTakenForAlmostNoSalience() throws {
        let mask: [UInt8] = [0, 1, 1, 0]
        try mask.withUnsafeBytes { try writeNpy($0, type: .uint8, shape: [1, 2, 2], to: path) }
        try annotators(1).write(besides: path)
        #expect(failure { _ = try SalienceMaps(contentsOf: path) }?.remedy?.contains("255") == true)
        // No salience at all is what plain adversarial training is.
        try [UInt8](repeating: 0, count: 4).withUnsafeBytes { try writeNpy($0, type: .uint8, shape: [1, 2, 2], to: path) }
        #expect(try !SalienceMaps(contentsOf: path).isAnnotated(0))
    }

    @Test func anotherRankIsRefused() throws {
        for shape in [[4], [2, 2], [1, 1, 2, 2], [0, 2, 2]] {
            try writeFloats([Float](repeating: 0, count: shape.reduce(1, *)), shape)
            #expect(failure { _ = try SalienceMaps(contentsOf: path) }?.message.contains("\(shape)") == true)
        }
    }

    @Test func theProvenanceMustBeThereAndFit() throws {
        try writeFloats([0, 0], [1, 1, 2])
        let json = folder.file("maps.json")
        try FileManager.default.removeItem(atPath: json)
        let missing = try #require(failure { _ = try SalienceMaps(contentsOf: path) })
        #expect(missing.message.contains(json) && missing.remedy?.contains(#""source": "human""#) == true)
        for (text, word) in [
            ("{", "JSON"), ("{}", "source is missing"), (#"{"source": "guess"}"#, "human, box, mask, estimator"),
            (#"{"source": "human", "dataset": {"name": "a", "split": "train"}, "createdBy": "x"}"#, "dataset.count is missing"),
            (#"{"source": "human", "dataset": {"name": "a", "split": "train", "count": "1"}, "createdBy": "x"}"#, "dataset.count"),
            (#"{"source": "estimator", "dataset": {"name": "a", "split": "train", "count": 1}, "createdBy": "x"}"#, "estimator is missing"),
            (#"{"source": "human", "dataset": {"name": "a", "split": "train", "count": 7}, "createdBy": "x"}"#, "says 7"),
        ] {
            try write(text.utf8, to: json)
            let found = try #require(failure { _ = try SalienceMaps(contentsOf: path) }, "accepted \(text)")
            #expect(found.kind == .badData && found.message.contains(word) && found.message.contains("maps.json"), "\(found)")
        }
    }

    @Test func everythingInAProvenanceSurvives() throws {
        let provenance = SalienceProvenance(
            source: .estimator,
            estimator: .init(name: "own", settings: ["a": .number(2.5), "b": .text("x/y"), "c": .flag(true), "d": .number(1)]),
            dataset: .init(name: "mnist", split: "test", count: 3), createdBy: "sipat 1", note: "ε")
        try provenance.write(besides: path)
        #expect(try SalienceProvenance(besides: path) == provenance)
        #expect(provenance.summary == "own (a 2.5, b x/y, c true, d 1), for mnist test")
    }

    @Test func mapsOfAnotherDataSetAreRefused() throws {
        let maps = try SalienceMaps(values: [0, 0], count: 2, height: 1, width: 1, provenance: annotators(2))
        try maps.require(dataset: .init(name: "cifar10", split: "train", count: 2, fingerprint: "f00d"), height: 1, width: 1)
        try maps.require(dataset: .init(name: "cifar10", split: "train", count: 2), height: 1, width: 1)
        for (dataset, words) in [
            (SalienceProvenance.Dataset(name: "cifar10", split: "train", count: 3), ["2 maps", "3 images"]),
            (.init(name: "cifar10", split: "test", count: 2), ["cifar10 train", "cifar10 test"]),
            (.init(name: "mnist", split: "train", count: 2), ["cifar10 train", "mnist train"]),
            (.init(name: "cifar10", split: "train", count: 2, fingerprint: "beef"), ["f00d", "beef"]),
        ] {
            let found = try #require(failure { try maps.require(dataset: dataset, height: 1, width: 1, from: path) })
            #expect(words.allSatisfy(found.message.contains) && found.message.contains(path), "\(found)")
        }
        // The same number of maps, of another size: nothing later would notice.
        let found = try #require(
            failure { try maps.require(dataset: .init(name: "cifar10", split: "train", count: 2), height: 2, width: 1, from: path) })
        #expect(found.kind == .badData && found.message.contains("1×1") && found.message.contains("2×1"))
    }

    @Test func statisticsCountWhatIsProtected() throws {
        // Annotated: 2 of 4 pixels protected (S > 0.5), and 4 of 4; then one image without annotation.
        let values: [Float] = [0, 0.5, 0.51, 1, 0.9, 0.9, 0.9, 0.9, 0, 0, 0, 0]
        let maps = try SalienceMaps(values: values, count: 3, height: 2, width: 2, provenance: annotators(3))
        let statistics = try SalienceStatistics(maps)
        #expect((statistics.count, statistics.annotated) == (3, 2))
        #expect(abs(statistics.meanSalience - (2.01 + 3.6) / 12) < 1e-6)
        #expect(statistics.meanProtected == 0.75 && statistics.medianProtected == 0.75)
        #expect(statistics.minimumProtected == 0.5 && statistics.maximumProtected == 1)
        #expect(statistics.histogram == [5, 0, 0, 0, 0, 2, 0, 0, 0, 5])
        #expect(statistics.table.contains("mean 75.0 %") && statistics.table.contains("2 with a map, 0 confirmed empty, 1 unseen"))
        let strict = try SalienceStatistics(maps, threshold: 0.05)
        #expect(strict.minimumProtected == 0 && strict.maximumProtected == 0.25)
    }
}
