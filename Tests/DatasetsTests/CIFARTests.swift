import Datasets
import Diagnostics
import Foundation
import Testing

@Suite("CIFAR files")
struct CIFARTests {
    /// Records of CIFAR-10 (`labelBytes` 1) or CIFAR-100 (2) with pseudo-random pixels; label i mod `classes`.
    private func records(_ count: Int, labelBytes: Int = 1, classes: Int = 10, seed: UInt64) -> [UInt8] {
        (0..<count).flatMap { i in
            let labels: [UInt8] = labelBytes == 1 ? [UInt8(i % classes)] : [UInt8(i % 20), UInt8(i % classes)]
            return labels + pseudoRandomBytes(3072, seed: seed + UInt64(i))
        }
    }

    private func cifar10Folder(counts: [Int] = [2, 3, 1, 4, 2], test: Int = 5) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (i, count) in counts.enumerated() {
            try folder.write(records(count, seed: UInt64(100 * i)), to: "data_batch_\(i + 1).bin")
        }
        try folder.write(records(test, seed: 999), to: "test_batch.bin")
        return folder
    }

    private func load(_ folder: TemporaryFolder, _ split: DatasetSplit = .train, name: String = "cifar10") throws -> ImageDataset {
        try DatasetLoader.load(name: name, directory: folder.path, split: split)
    }

    /// Compares with the raw bytes of the files, pixel by pixel, by the format's definition.
    private func expectMatches(_ dataset: ImageDataset, _ raw: [[UInt8]], labelBytes: Int) {
        let record = labelBytes + 3072
        var image = 0
        for file in raw {
            for start in stride(from: 0, to: file.count, by: record) {
                #expect(dataset.labels[image] == Int32(file[start + labelBytes - 1]))
                var same = true
                for channel in 0..<3 {
                    for row in 0..<32 {
                        for column in 0..<32 {
                            let expected = file[start + labelBytes + 1024 * channel + 32 * row + column]
                            same = same && dataset.pixels[((image * 32 + row) * 32 + column) * 3 + channel] == expected
                        }
                    }
                }
                #expect(same, "image \(image)")
                image += 1
            }
        }
        #expect(dataset.count == image)
    }

    @Test func pixelsAndLabelsOfCIFAR10() throws {
        let folder = try cifar10Folder()
        let train = try load(folder)
        expectMatches(train, zip([2, 3, 1, 4, 2], 0...).map { records($0, seed: UInt64(100 * $1)) }, labelBytes: 1)
        expectMatches(try load(folder, .test), [records(5, seed: 999)], labelBytes: 1)
        #expect(train.classNames[3] == "cat" && train.classes == 10)
        #expect(train.ownSalience == nil && train.annotated == nil)
    }

    @Test func fineLabelsOfCIFAR100() throws {
        let folder = try TemporaryFolder()
        try folder.write(records(103, labelBytes: 2, classes: 100, seed: 5), to: "train.bin")
        try folder.write(records(2, labelBytes: 2, classes: 100, seed: 6), to: "test.bin")
        let train = try load(folder, name: "cifar100")
        expectMatches(train, [records(103, labelBytes: 2, classes: 100, seed: 5)], labelBytes: 2)
        #expect(Set(train.classNames).count == 100)
        #expect(train.classNames == train.classNames.sorted())
    }

    @Test func findsTheFolderOfTheArchive() throws {
        let folder = try TemporaryFolder()
        try folder.write(records(3, seed: 1), to: "cifar-10-batches-bin/test_batch.bin")
        try folder.write(Array("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8), to: "cifar-10-batches-bin/batches.meta.txt")
        #expect(try load(folder, .test).classNames == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
    }

    @Test func truncatedFile() throws {
        let folder = try cifar10Folder()
        try folder.write(Array(records(3, seed: 1).dropLast(1000)), to: "data_batch_4.bin")
        expectFailure(.badData, ["data_batch_4.bin", "truncated", "image 2", "2073 bytes", "expected 3073"]) { _ = try load(folder) }
    }

    @Test func oversizedFile() throws {
        let folder = try cifar10Folder()
        try folder.write([UInt8](repeating: 0, count: 3073 * 10_001), to: "data_batch_2.bin")
        expectFailure(.badData, ["data_batch_2.bin", "oversized", "image 10000", "at most", "10000 images"]) { _ = try load(folder) }
    }

    @Test func emptyFile() throws {
        let folder = try cifar10Folder()
        try folder.write([], to: "test_batch.bin")
        expectFailure(.badData, ["test_batch.bin", "empty", "image 0", "expected 3073"]) { _ = try load(folder, .test) }
    }

    @Test func labelOutOfRange() throws {
        let folder = try cifar10Folder()
        var bytes = records(4, seed: 1)
        bytes[2 * 3073] = 12
        try folder.write(bytes, to: "data_batch_3.bin")
        expectFailure(.badData, ["data_batch_3.bin", "image 2", "label 12", "expected 0 to 9"]) { _ = try load(folder) }
    }

    @Test func labelOutOfRangeInCIFAR100() throws {
        let folder = try TemporaryFolder()
        var bytes = records(4, labelBytes: 2, classes: 100, seed: 1)
        bytes[3 * 3074 + 1] = 100
        try folder.write(bytes, to: "train.bin")
        expectFailure(.badData, ["train.bin", "image 3", "label 100", "expected 0 to 99"]) { _ = try load(folder, name: "cifar100") }
    }

    @Test func fileOfTheOtherFormat() throws {
        let folder = try cifar10Folder()
        try folder.write(records(3, labelBytes: 2, classes: 100, seed: 1), to: "test_batch.bin")
        let failure = #expect(throws: Failure.self) { try load(folder, .test) }
        #expect(failure?.remedy?.contains("data.name: cifar100") == true)
    }

    @Test func missingFile() throws {
        let folder = try cifar10Folder()
        try FileManager.default.removeItem(atPath: folder.path + "/data_batch_5.bin")
        expectFailure(.inputOutput, ["data_batch_5.bin", folder.path, "cifar-10-batches-bin"]) { _ = try load(folder) }
    }

    @Test func missingFolder() throws {
        expectFailure(.inputOutput, ["/nowhere/at/all", "does not exist", "data_batch_1.bin"]) {
            _ = try DatasetLoader.load(name: "cifar10", directory: "/nowhere/at/all", split: .train)
        }
    }

    @Test func wrongNumberOfNames() throws {
        let folder = try cifar10Folder()
        try folder.write(Array("one\ntwo\n".utf8), to: "batches.meta.txt")
        expectFailure(.badData, ["batches.meta.txt", "found 2", "expected 10"]) { _ = try load(folder) }
    }

    @Test func unknownName() throws {
        let failure = #expect(throws: Failure.self) { try DatasetLoader.load(name: "cifar-10", directory: "/", split: .train) }
        #expect(failure?.kind == .usage)
        #expect(failure?.message.contains("cifar-10") == true)
        #expect(failure?.remedy?.contains("cifar10") == true)
        expectFailure(.usage, ["mnist", "folder"]) { _ = try DatasetLoader.load(name: "mnist", directory: nil, split: .train) }
    }

    private static let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    private static let subset = shared + "/data/cifar10-subset-bin"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: subset), "needs the CIFAR-10 subset: SIPAT_SHARED"))
    func subsetOfRealImages() throws {
        let train = try DatasetLoader.load(name: "cifar10", directory: Self.subset, split: .train)
        let files = try (1...5).map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Self.subset)/data_batch_\($0).bin"))) }
        expectMatches(train, files, labelBytes: 1)
        #expect(train.count == 5000)
        #expect(train.classNames.first == "airplane" && train.classNames.last == "truck")
        #expect((0..<10).allSatisfy { label in train.labels.count { $0 == label } == 500 })
    }
}
