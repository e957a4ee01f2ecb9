import Diagnostics

/// An npy file of uint8 or float32 elements in C order, opened for reading.
///
/// The header is checked against the file's size before anything is allocated for the elements; pickled objects,
/// Fortran order and other types are refused.
package final class NpyFile: Sendable {
    private let file: ReadableFile
    private let header: NpyHeader

    /// - Throws: `Failure` when the file is missing or is not such an array.
    package init(_ path: String) throws {
        file = try ReadableFile(path)
        header = try NpyHeader(file)
    }

    package var path: String { file.path }
    package var shape: [Int] { header.shape }
    package var type: NpyType { header.type }

    /// Where in the file the elements begin.
    var dataStart: Int { header.dataStart }

    /// Number of elements.
    package var count: Int { header.shape.reduce(1, *) }

    /// Reads the elements from `first` on, as they lie in the file, until `destination` is full.
    package func read(from first: Int = 0, into destination: UnsafeMutableRawBufferPointer) throws {
        precondition(first >= 0 && first * type.size + destination.count <= count * type.size, "read beyond the array")
        try file.read(into: destination, at: header.dataStart + first * type.size)
    }
}

/// Writes an npy file (version 1.0) atomically.
///
/// - Parameter elements: the elements in C order, as many bytes as `shape` and `type` need.
/// - Throws: `Failure.inputOutput`.
package func writeNpy(_ elements: UnsafeRawBufferPointer, type: NpyType, shape: [Int], to path: String) throws {
    precondition(elements.count == shape.reduce(type.size, *), "\(elements.count) bytes for shape \(shape)")
    let header = NpyHeader.encoded(type, shape: shape)
    try writeAtomically(to: path, byteCount: header.count + elements.count) { sink in
        try header.withUnsafeBytes { try sink($0) }
        try sink(elements)
    }
}
