import Foundation

extension Failure {
    /// What to tell the user when writing `path` failed.
    ///
    /// - Parameters:
    ///   - path: the file or folder that was to be written, as the user knows it.
    ///   - bytes: how many bytes it needs, if known.
    /// - Returns: `error` itself if it is a `Failure` already; else an `.inputOutput` failure that names the path, the
    ///   cause, the bytes needed, the bytes free there now, and a remedy.
    package static func writing(_ path: String, bytes: Int? = nil, error: any Error) -> Failure {
        if let failure = error as? Failure { return failure }
        guard let error = error as? SystemError else { return .inputOutput("cannot write \(path): \(error)") }
        let needed = bytes.map { "; it needs \(byteText($0))" } ?? ""
        let free = freeBytes(near: path).map { "; \(byteText($0)) are free there" } ?? ""
        let at = error.path == path ? "" : " (at \(error.path))"
        let cause = "cannot write \(path): \(error.operation)\(at): \(String(cString: strerror(error.code)))"
        let folder = pathFolder(path)
        switch error.code {
        case ENOSPC:
            return .inputOutput(cause + needed + free, remedy: "free some space, or write to another file system")
        case EDQUOT:
            return .inputOutput(
                cause + needed + free, remedy: "your quota there is used up: remove files of yours, or write elsewhere")
        case EROFS:
            return .inputOutput(cause + needed, remedy: "this file system is mounted read-only: write elsewhere")
        case EACCES, EPERM:
            return .inputOutput(
                cause + needed, remedy: "you may not write there: change the permissions (ls -ld \(folder)), or write elsewhere")
        case ENOENT, ENOTDIR:
            return .inputOutput(cause, remedy: "create the folder first: mkdir -p \(folder)")
        case EISDIR:
            return .inputOutput(cause, remedy: "this is a folder: give the name of a file in it")
        default:
            return .inputOutput(cause + needed + free, remedy: "check the disk, or write to another file system")
        }
    }

    /// What to tell the user when reading `path` failed with `errno` `code`.
    package static func reading(_ path: String, code: Int32) -> Failure {
        let cause = "cannot read \(path): \(String(cString: strerror(code)))"
        switch code {
        case ENOENT, ENOTDIR: return .inputOutput(cause, remedy: "check the path")
        case EACCES, EPERM: return .inputOutput(cause, remedy: "you may not read it: change its permissions")
        default: return .inputOutput(cause, remedy: "check the disk or the network file system it lies on")
        }
    }
}

/// Bytes an ordinary user may still write to the file system of `path`, or of its nearest existing parent.
package func freeBytes(near path: String) -> Int? {
    var place = path
    while true {
        var status = statvfs()
        if statvfs(place.isEmpty ? "." : place, &status) == 0 {
            let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return overflow ? Int.max : Int(clamping: bytes)
        }
        let parent = pathFolder(place)
        if parent == place || place == "." { return nil }
        place = parent
    }
}

/// A number of bytes to read at a glance and exactly: "1.5 MB (1,500,000 bytes)".
package func byteText(_ count: Int) -> String {
    var digits = String(count.magnitude)
    var groups: [Substring] = []
    while digits.count > 3 {
        groups.insert(digits.suffix(3), at: 0)
        digits = String(digits.dropLast(3))
    }
    let exact = (count < 0 ? "-" : "") + ([Substring(digits)] + groups).joined(separator: ",") + " bytes"
    guard count >= 1000 else { return exact }
    var value = Double(count)
    var unit = -1
    while value >= 999.95, unit < 5 {
        value /= 1000
        unit += 1
    }
    return String(format: "%.1f ", value) + ["kB", "MB", "GB", "TB", "PB", "EB"][unit] + " (\(exact))"
}
