import Diagnostics

/// One tensor to be written: its name, type and shape, and who hands over its bytes when they are due.
package struct SafetensorsTensor {
    package let name: String
    package let type: SafetensorsType
    package let shape: [Int]
    fileprivate let write: (ByteSink) throws -> Void

    /// A tensor whose little-endian bytes, in row-major order, `write` hands to the sink (in as many pieces as it likes).
    package init(name: String, type: SafetensorsType, shape: [Int], write: @escaping (ByteSink) throws -> Void) {
        self.name = name
        self.type = type
        self.shape = shape
        self.write = write
    }

    /// An F32 tensor; `values` is asked for them when they are due, so that only one tensor need be in memory.
    package init(name: String, shape: [Int], floats values: @escaping () throws -> [Float]) {
        self.init(name: name, type: .float32, shape: shape) { sink in try values().withUnsafeBytes { try sink($0) } }
    }

    /// An F32 tensor at `values`, which must stay valid until the file is written.
    package init(name: String, shape: [Int], floats values: UnsafePointer<Float>) {
        let count = shape.reduce(1, *)
        self.init(name: name, type: .float32, shape: shape) { try $0(UnsafeRawBufferPointer(start: values, count: 4 * count)) }
    }

    /// An I64 tensor.
    package init(name: String, shape: [Int], integers values: [Int64]) {
        self.init(name: name, type: .int64, shape: shape) { sink in try values.withUnsafeBytes { try sink($0) } }
    }

    fileprivate var byteCount: Int { shape.reduce(1, *) * type.size }
}

/// Lays out a safetensors file: the same tensors give the same bytes, in whatever order they are handed over.
///
/// As the format's reference writer does it, wider types come first and names are sorted within a type, so that every
/// tensor is aligned to its element; the header is padded with spaces so that the data begin at a multiple of 8 bytes.
package struct SafetensorsWriter {
    private let header: [UInt8]
    private let tensors: [SafetensorsTensor]

    /// Bytes of the whole file.
    package let byteCount: Int

    package init(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:]) {
        let sorted = tensors.sorted { ($1.type.size, $0.type.rawValue, $0.name) < ($0.type.size, $1.type.rawValue, $1.name) }
        precondition(Set(sorted.map(\.name)).count == sorted.count, "two tensors have the same name")
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var end = 0
        for tensor in sorted {
            let begin = end
            end += tensor.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(end)]}")
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json += [UInt8](repeating: UInt8(ascii: " "), count: -json.count & 7)
        precondition(json.count <= SafetensorsHeader.maximumBytes, "too many tensors for one safetensors file")
        header = withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
        self.tensors = sorted
        byteCount = header.count + end
    }

    /// Hands the file's bytes to `sink`.
    ///
    /// - Throws: what the sink throws; `Failure.internalError` when a tensor hands over another number of bytes than
    ///   its shape needs.
    package func write(to sink: ByteSink) throws {
        try header.withUnsafeBytes { try sink($0) }
        for tensor in tensors {
            var written = 0
            try tensor.write { bytes in
                written += bytes.count
                guard written <= tensor.byteCount else { return }
                try sink(bytes)
            }
            guard written == tensor.byteCount else {
                throw Failure.internalError(
                    "tensor \"\(tensor.name)\" of shape \(tensor.shape) handed over \(written) bytes, expected \(tensor.byteCount)")
            }
        }
    }

    /// Writes the file atomically (see `writeAtomically`).
    package func write(to path: String, using files: some FileOperations = PosixFileOperations()) throws {
        try writeAtomically(to: path, byteCount: byteCount, using: files) { try write(to: $0) }
    }
}

/// A JSON string.
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\u{00}"..<"\u{20}":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
