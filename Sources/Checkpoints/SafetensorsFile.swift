import Diagnostics

/// A safetensors file opened for reading: the header in memory, the tensors read one by one when asked for.
///
/// Every claim of the header is checked against the file before anything is allocated for it.
package final class SafetensorsFile: Sendable {
    private let file: ReadableFile
    private let header: SafetensorsHeader
    private let dataStart: Int

    package var path: String { file.path }

    /// - Throws: `Failure` when the file is missing, or is not a sound safetensors file.
    package init(_ path: String) throws {
        file = try ReadableFile(path)
        if let kind = FileKind.notSafetensors(try file.bytes(at: 0, count: min(512, file.size)), path: path) {
            throw Failure.badData("\(path): \(kind.what)", remedy: kind.remedy)
        }
        guard file.size >= 8 else {
            throw Failure.badData("\(path): has \(file.size) bytes, a safetensors file at least 10", remedy: "copy or write it again")
        }
        let length = try file.bytes(at: 0, count: 8).withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= SafetensorsHeader.maximumBytes else {
            throw Failure.badData(
                "\(path): claims a safetensors header of \(length) bytes, at most \(SafetensorsHeader.maximumBytes) are allowed",
                remedy: "the file is damaged or not safetensors")
        }
        guard Int(length) <= file.size - 8 else {
            throw Failure.badData(
                "\(path): claims a safetensors header of \(length) bytes, but has only \(file.size) bytes in all",
                remedy: "the file was cut short or is not safetensors: copy or write it again")
        }
        dataStart = 8 + Int(length)
        header = try SafetensorsHeader(
            json: file.bytes(at: 8, count: Int(length)), dataBytes: file.size - dataStart, path: path)
    }

    /// All tensors' names, sorted.
    package var names: [String] { header.tensors.keys.sorted() }

    /// The strings under `__metadata__`.
    package var metadata: [String: String] { header.metadata }

    /// The shape of a tensor, or nil if there is none of that name. A scalar's shape is empty.
    package func shape(of name: String) -> [Int]? { header.tensors[name]?.shape }

    package func dtype(of name: String) -> SafetensorsType? { header.tensors[name]?.type }

    /// Reads a floating-point tensor (F32, F64, F16 or BF16) into `destination` as float32, in the file's order.
    ///
    /// - Parameter shape: the shape it must have; nil accepts any of `destination.count` values.
    /// - Throws: `Failure.badData` when the tensor is missing, not floating-point, or of another size.
    package func read(_ name: String, shape: [Int]? = nil, into destination: UnsafeMutableBufferPointer<Float>) throws {
        let tensor = try tensor(name)
        guard shape == nil || shape == tensor.shape, tensor.count == destination.count else {
            throw Failure.badData(
                "\(path): tensor \"\(name)\" has shape \(tensor.shape), expected \(shape.map { "\($0)" } ?? "\(destination.count) values")",
                remedy: "the file belongs to another model, or to other options (width, stem, classes) of this one")
        }
        switch tensor.type {
        case .float32:
            try file.read(into: UnsafeMutableRawBufferPointer(destination), at: dataStart + tensor.begin)
        case .float64:
            try convert(tensor, into: destination) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .float16:
            try convert(tensor, into: destination) { Float(Float16(bitPattern: UInt16(littleEndian: $0))) }
        case .bfloat16:
            try convert(tensor, into: destination) { Float(bitPattern: UInt32(UInt16(littleEndian: $0)) << 16) }
        default:
            throw Failure.badData(
                "\(path): tensor \"\(name)\" has dtype \(tensor.type.rawValue), expected F32, F64, F16 or BF16",
                remedy: "save it as float32 (in PyTorch: tensor.float())")
        }
    }

    /// The values of a floating-point tensor as float32.
    package func floats(of name: String) throws -> [Float] {
        let count = try tensor(name).count
        return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            try read(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// The values of an I64 tensor (a `num_batches_tracked`, for instance, has one).
    package func integers(of name: String) throws -> [Int64] {
        let tensor = try tensor(name)
        guard tensor.type == .int64 else {
            throw Failure.badData(
                "\(path): tensor \"\(name)\" has dtype \(tensor.type.rawValue), expected I64", remedy: "save it as int64")
        }
        return try [Int64](unsafeUninitializedCapacity: tensor.count) { buffer, initialized in
            let part = UnsafeMutableBufferPointer(rebasing: buffer[..<tensor.count])
            try file.read(into: UnsafeMutableRawBufferPointer(part), at: dataStart + tensor.begin)
            initialized = tensor.count
        }
    }

    private func tensor(_ name: String) throws -> SafetensorsHeader.Tensor {
        if let tensor = header.tensors[name] { return tensor }
        let near = nearestName(to: name, among: header.tensors.keys.sorted()).map { ", but \"\($0)\"" } ?? ""
        throw Failure.badData("\(path): has no tensor \"\(name)\"\(near)", remedy: "check that the file belongs to this model")
    }

    /// Converts in pieces of 64 Ki elements, so that the tensor is never in memory twice.
    private func convert<Bits: FixedWidthInteger>(
        _ tensor: SafetensorsHeader.Tensor, into destination: UnsafeMutableBufferPointer<Float>, _ value: (Bits) -> Float
    ) throws {
        let piece = UnsafeMutableBufferPointer<Bits>.allocate(capacity: min(1 << 16, max(1, tensor.count)))
        defer { piece.deallocate() }
        var done = 0
        while done < tensor.count {
            let part = UnsafeMutableBufferPointer(rebasing: piece[..<min(piece.count, tensor.count - done)])
            try file.read(
                into: UnsafeMutableRawBufferPointer(part), at: dataStart + tensor.begin + done * MemoryLayout<Bits>.size)
            for (i, bits) in part.enumerated() { destination[done + i] = value(bits) }
            done += part.count
        }
    }
}
