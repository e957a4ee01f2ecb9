import Foundation

/// Checks, before the work, that results can be written where they are to go, and that none overwrites what is read or what a
/// run needs to go on.
///
/// - Parameters:
///   - results: each flag with the path given to it; nil where it was not given.
///   - inputs: files and folders that are read.
/// - Throws: `Failure` naming the flag and the path.
package func requireWritable(_ results: [(flag: String, path: String?)], inputs: [String]) throws {
    var seen: [(flag: String, place: String)] = []
    for (flag, path) in results {
        guard let path else { continue }
        guard !path.isEmpty else { throw Failure.usage("\(flag) is empty", remedy: "name a file") }
        let place = "\((try? realPath(pathFolder(path))) ?? pathFolder(path))/\(pathName(path))"
        if let other = seen.first(where: { $0.place == place || isSameFile($0.place, place) }), !isStream(path) {
            throw Failure.usage("\(other.flag) and \(flag) both name \(path)", remedy: "give each a file of its own")
        }
        seen.append((flag, place))
        if let input = inputs.first(where: { holds($0, path) }) {
            throw Failure.usage("\(flag) \(path) would overwrite what is read from \(input)", remedy: "name another file")
        }
        if let run = owningRun(path) {
            throw Failure.usage("\(flag) \(path) would overwrite a file of the run in \(run)", remedy: "name another file")
        }
        do { try tryWriting(path) } catch {
            let failure = Failure.writing(path, error: error)
            throw Failure(failure.kind, "\(flag): \(failure.message)", remedy: failure.remedy)
        }
    }
}

/// Whether two paths name one file, through links too.
package func isSameFile(_ first: String, _ second: String) -> Bool {
    var (a, b) = (stat(), stat())
    return stat(first, &a) == 0 && stat(second, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino
}

/// Whether `path` is the input, or a file in it.
private func holds(_ input: String, _ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    if isSameFile(input, path) { return true }
    guard let folder = try? realPath(input), let file = try? realPath(path) else { return false }
    if file.hasPrefix(folder + "/") { return true }
    // A hard link elsewhere to a file of the folder.
    guard status.st_nlink > 1, let names = FileManager.default.enumerator(atPath: input) else { return false }
    for case let name as String in names where isSameFile(input + "/" + name, path) { return true }
    return false
}

/// The folder of the run that an existing file is a part of; nil for any other file.
private func owningRun(_ path: String) -> String? {
    func exists(_ name: String, in folder: String) -> Bool { access("\(folder)/\(name)", F_OK) == 0 }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let file = try? realPath(path) else { return nil }
    var (folder, name) = (pathFolder(file), pathName(file))
    let own = ["recipe.yaml", "metrics.jsonl", "run.lock", "state.json", "model-card.md", "salience.json", "left-out.json"]
    if own.contains(name) || name.hasPrefix("events.out.tfevents."), exists("checkpoints", in: folder) || exists("run.lock", in: folder) { return folder }
    while folder != "/", folder != "." {
        (folder, name) = (pathFolder(folder), pathName(folder))
        if name == "checkpoints", ["run.lock", "recipe.yaml", "metrics.jsonl"].contains(where: { exists($0, in: folder) }) { return folder }
    }
    return nil
}

private func realPath(_ path: String) throws -> String {
    guard let pointer = realpath(path, nil) else { throw SystemError(code: errno, operation: "find", path: path) }
    defer { free(pointer) }
    return String(cString: pointer)
}

private func isStream(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG && status.st_mode & S_IFMT != S_IFDIR
}

/// Makes what `writeAtomically` makes first, and removes it.
private func tryWriting(_ path: String) throws {
    var status = stat()
    if stat(path, &status) == 0 {
        if status.st_mode & S_IFMT == S_IFDIR { throw SystemError(code: EISDIR, operation: "write", path: path) }
        guard access(path, W_OK) == 0 else { throw SystemError(code: errno, operation: "write", path: path) }
        var link = stat()
        // Anything but a plain file is written in place.
        guard lstat(path, &link) == 0, link.st_mode & S_IFMT == S_IFREG else { return }
    }
    let temporary = pathFolder(path) + "/" + incompletePrefix + "\(pathName(path))-\(getpid())"
    let files = PosixFileOperations()
    let descriptor = try files.create(temporary)
    try files.close(descriptor, path: temporary)
    try files.removeFile(temporary)
}
