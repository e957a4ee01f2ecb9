import Diagnostics
import Kernels

/// The binary version of CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny
/// Images", 2009; format: https://www.cs.toronto.edu/~kriz/cifar.html).
///
/// A file is a row of records; a record is one or two label bytes and 3,072 bytes of pixels: the planes R, G, B of
/// 32×32, row by row.
struct CIFARFormat: Sendable {
    let name: String
    /// 1 (CIFAR-10: the class) or 2 (CIFAR-100: coarse, then fine; the fine one is the class).
    let labelBytes: Int
    let trainFiles: [String]
    let testFiles: [String]
    /// Records in each official training file, and in the test file.
    let trainRecords: Int
    let testRecords: Int
    /// The folder that the official archive makes.
    let subfolder: String
    /// A text file with one class name per line, which may be missing.
    let namesFile: String
    let officialNames: [String]

    static let cifar10 = CIFARFormat(
        name: "cifar10", labelBytes: 1, trainFiles: (1...5).map { "data_batch_\($0).bin" }, testFiles: ["test_batch.bin"],
        trainRecords: 10_000, testRecords: 10_000, subfolder: "cifar-10-batches-bin", namesFile: "batches.meta.txt",
        officialNames: CIFARClassNames.cifar10)

    static let cifar100 = CIFARFormat(
        name: "cifar100", labelBytes: 2, trainFiles: ["train.bin"], testFiles: ["test.bin"],
        trainRecords: 50_000, testRecords: 10_000, subfolder: "cifar-100-binary", namesFile: "fine_label_names.txt",
        officialNames: CIFARClassNames.cifar100)

    private static let shape = ImageShape(height: 32, width: 32, channels: 3)

    private var recordBytes: Int { labelBytes + CIFARFormat.shape.count }

    /// Reads one split. Memory: the pixels and one file at a time.
    ///
    /// - Throws: `Failure.inputOutput` for a missing file, `.badData` for a wrong one.
    func read(_ split: DatasetSplit, in directory: String) throws -> ImageDataset {
        let names = split == .train ? trainFiles : testFiles
        let folder = try DatasetFolder(directory, dataset: name, subfolders: [subfolder], expecting: names)
        let files = try names.map { try ReadableFile(folder.file(anyOf: [$0])) }
        let limit = split == .train ? trainRecords : testRecords
        let counts = try files.map { try recordCount($0, limit: limit) }
        let total = counts.reduce(0, +)
        let classNames = try folder.find(anyOf: [namesFile]).map(readNames) ?? officialNames
        var need = MemoryNeed()
        need.add(total, CIFARFormat.shape.count)
        need.add(counts.max() ?? 0, recordBytes)
        try requireMemory(need, for: "\(name) with \(total) images", remedy: "use a machine with more memory, or start fewer ranks on it")

        var labels: [Int32] = []
        labels.reserveCapacity(total)
        let pixels = try [UInt8](unsafeUninitializedCapacity: total * CIFARFormat.shape.count) { pixels, initialized in
            for (file, count) in zip(files, counts) {
                let records = try file.bytes(at: 0, count: count * recordBytes)
                for i in 0..<count {
                    labels.append(try label(records[i * recordBytes + labelBytes - 1], image: i, file: file))
                }
                records.withUnsafeBufferPointer { records in
                    for i in 0..<count {
                        CIFARFormat.interleave(
                            records.baseAddress! + (i * recordBytes + labelBytes), into: pixels.baseAddress! + initialized)
                        initialized += CIFARFormat.shape.count
                    }
                }
            }
        }
        return ImageDataset(
            name: name, imageShape: CIFARFormat.shape, classNames: classNames, pixels: pixels, labels: labels)
    }

    /// One image from planes to interleaved channels.
    private static func interleave(_ planes: UnsafePointer<UInt8>, into pixels: UnsafeMutablePointer<UInt8>) {
        for i in 0..<shape.pixels {
            pixels[3 * i] = planes[i]
            pixels[3 * i + 1] = planes[shape.pixels + i]
            pixels[3 * i + 2] = planes[2 * shape.pixels + i]
        }
    }

    private func recordCount(_ file: ReadableFile, limit: Int) throws -> Int {
        let (count, rest) = file.size.quotientAndRemainder(dividingBy: recordBytes)
        guard file.size <= limit * recordBytes else {
            throw Failure.badData(
                "\(file.path): oversized: found \(byteText(file.size)), expected at most \(byteText(limit * recordBytes)) "
                    + "(\(limit) images of \(recordBytes) bytes); image \(limit) should not be there",
                remedy: otherFormatHint(file) ?? "take the file from the official archive of the binary version")
        }
        guard rest == 0 else {
            throw Failure.badData(
                "\(file.path): truncated: image \(count) has \(rest) bytes, expected \(recordBytes) "
                    + "(the file has \(byteText(file.size)), expected a multiple of \(recordBytes))",
                remedy: otherFormatHint(file) ?? "the file was cut short: copy or unpack it again")
        }
        guard count > 0 else {
            throw Failure.badData(
                "\(file.path): empty: image 0 has 0 bytes, expected \(recordBytes)", remedy: "copy or unpack the file again")
        }
        return count
    }

    private func label(_ byte: UInt8, image: Int, file: ReadableFile) throws -> Int32 {
        guard Int(byte) < officialNames.count else {
            throw Failure.badData(
                "\(file.path): image \(image) has label \(byte), expected 0 to \(officialNames.count - 1)",
                remedy: otherFormatHint(file) ?? "the file is damaged or of another format: copy or unpack it again")
        }
        return Int32(byte)
    }

    /// A remedy when the file looks like the other CIFAR.
    private func otherFormatHint(_ file: ReadableFile) -> String? {
        let other = name == "cifar10" ? CIFARFormat.cifar100 : .cifar10
        guard file.size > 0, file.size % other.recordBytes == 0 else { return nil }
        return "the size fits \(other.name): check that this is \(name) and not \(other.name) (data.name: \(other.name))"
    }

    private func readNames(_ path: String) throws -> [String] {
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 20)
        let names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingPrefix(while: \.isWhitespace) }.map { String($0) }.filter { !$0.isEmpty }
        guard names.count == officialNames.count else {
            throw Failure.badData(
                "\(path): found \(names.count) class names, expected \(officialNames.count), one per line",
                remedy: "copy the file from the official archive, or remove it to use the official names")
        }
        return names
    }
}
