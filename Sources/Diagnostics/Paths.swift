import Foundation
import SystemPackage

/// The last part of `path`, such as `maps.npy`; empty for a root and an empty path.
package func pathName(_ path: String) -> String { FilePath(path).lastComponent?.string ?? "" }

/// The folder that `path` lies in; `.` where it is a name alone.
package func pathFolder(_ path: String) -> String {
    let folder = FilePath(path).removingLastComponent()
    return folder.isEmpty ? "." : folder.string
}

/// `text` as one word of a shell's command line.
package func shellQuoted(_ text: String) -> String {
    let isPlain = !text.isEmpty && text.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_=./,:+@%".unicodeScalars.contains($0)) }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

/// `path` with a tilde at its beginning replaced by the home folder it stands for.
///
/// A shell does this only where a word begins (`--output ~/runs`, not `--output=~/runs`). A folder that is really called
/// `~` is written `./~`.
/// - Throws: `Failure.usage` for a user whom nobody knows.
package func expandingTilde(_ path: String) throws -> String {
    guard path.hasPrefix("~") else { return path }
    let user = String(path.dropFirst().prefix { $0 != "/" })
    let rest = path.dropFirst(1 + user.count)
    if user.isEmpty, let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty { return home + rest }
    guard let entry = user.isEmpty ? getpwuid(getuid()) : getpwnam(user), let home = entry.pointee.pw_dir else {
        throw Failure.usage(
            "\(path): there is no user \(user.isEmpty ? "with a home folder" : user) here", remedy: "write the path out, or ./\(path) for a name that begins with ~")
    }
    return String(cString: home) + rest
}

/// `expandingTilde` in place, where there is a path.
package func expandTilde(_ path: inout String?) throws { path = try path.map { try expandingTilde($0) } }

/// Creates a folder and those it lies in, as `mkdir -p` does; one that is already there is fine.
///
/// - Throws: `Failure` when there is a file of that name, or it cannot be created.
package func makeFolders(_ path: String) throws {
    var status = stat()
    if stat(path, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure.usage("\(path) is a file, expected a folder", remedy: "give another folder")
        }
        return
    }
    guard !path.isEmpty else { throw Failure.usage("the name of a folder is empty", remedy: "give one") }
    let parent = pathFolder(path)
    if parent != path, parent != "." { try makeFolders(parent) }
    do { try PosixFileOperations().makeDirectory(path) } catch { throw Failure.writing(path, error: error) }
}
