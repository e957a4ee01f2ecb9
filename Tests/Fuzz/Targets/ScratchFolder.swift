import Foundation

/// A folder for the files that a target reads by path; it goes away with the process's temporary folder.
struct ScratchFolder: Sendable {
    let path: String

    init(_ name: String) {
        path = NSTemporaryDirectory() + "sipat-fuzz-\(getpid())-\(name)"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            fatalError("cannot create \(path): \(error)")
        }
    }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, Foundation.write(descriptor, bytes, bytes.count) == bytes.count else { fatalError("cannot write \(file)") }
        close(descriptor)
        return file
    }
}
