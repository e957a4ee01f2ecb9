import Diagnostics
import Foundation

/// Writes an npy file piece by piece. The file appears when it is complete; until then it is a hidden one beside it, which
/// goes away with its writer.
package final class NpyWriter {
    private let path: String
    private let temporary: String
    private let files = PosixFileOperations()
    private let byteCount: Int
    private var descriptor: Int32
    private var written = 0
    private var isFinished = false

    /// - Throws: `Failure.inputOutput`.
    package init(_ type: NpyType, shape: [Int], to path: String) throws {
        self.path = path
        temporary = "\(pathFolder(path))/\(incompletePrefix)\(pathName(path))-\(getpid())"
        byteCount = shape.reduce(type.size, *)
        do { descriptor = try files.create(temporary) } catch { throw Failure.writing(path, bytes: byteCount, error: error) }
        try NpyHeader.encoded(type, shape: shape).withUnsafeBytes { try write($0) }
    }

    deinit {
        if descriptor >= 0 { try? files.close(descriptor, path: temporary) }
        if !isFinished { try? files.removeTree(temporary) }
    }

    /// Adds the next elements, in C order.
    package func append(_ elements: UnsafeRawBufferPointer) throws {
        precondition(written + elements.count <= byteCount, "more elements than the shape has")
        try write(elements)
        written += elements.count
    }

    /// Gives the file its name. All elements must be there.
    package func finish() throws {
        precondition(written == byteCount, "\(written) of \(byteCount) bytes")
        do {
            try files.synchronize(descriptor, path: temporary)
            let open = descriptor
            descriptor = -1
            try files.close(open, path: temporary)
            try files.rename(temporary, to: path)
            isFinished = true
            try files.synchronizeDirectory(pathFolder(path))
        } catch { throw Failure.writing(path, bytes: byteCount, error: error) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        do { try files.write(bytes, to: descriptor, path: temporary) } catch { throw Failure.writing(path, bytes: byteCount, error: error) }
    }
}
