import Diagnostics
import Digests
import Foundation

/// The files of one format below a path: itself if it is a file.
struct AnnotationFiles {
    /// What was named.
    let path: String
    /// Relative to `folder`, sorted.
    let names: [String]
    let folder: String

    /// - Parameter endings: of the files that count, lower case.
    /// - Throws: `Failure.inputOutput` where there is nothing.
    init(_ path: String, endings: Set<String>) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure.reading(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            (names, folder) = ([pathName(path)], pathFolder(path))
            return
        }
        folder = path
        var found: [String] = []
        try AnnotationFiles.list(path, "", depth: 0, endings, into: &found)
        guard !found.isEmpty else {
            throw Failure.usage("\(path): holds no file ending in \(endings.sorted().joined(separator: ", "))", remedy: "name the folder or file that holds the annotations, or another --format")
        }
        names = found.sorted()
    }

    private static func list(_ folder: String, _ place: String, depth: Int, _ endings: Set<String>, into found: inout [String]) throws {
        guard depth < 32 else {
            throw Failure.badData("\(folder): folders within folders, 32 deep", remedy: "a symbolic link that leads back to a folder above? Remove it")
        }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch { throw Failure.reading(folder, code: errno) }
        for name in names where !name.hasPrefix(".") && name != "__MACOSX" {
            let whole = folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: whole, isDirectory: &isFolder) else { continue }
            if isFolder.boolValue {
                try list(whole, place + name + "/", depth: depth + 1, endings, into: &found)
            } else if let dot = name.lastIndex(of: "."), endings.contains(name[name.index(after: dot)...].lowercased()) {
                found.append(place + name)
            }
        }
    }

    func whole(_ name: String) -> String { folder + "/" + name }

    /// Reads each file; one that fails ends it, or is left out where `options` say so. `body` gets the bytes and the name.
    func forEach(_ options: AnnotationOptions, into found: inout Annotations, _ body: (_ bytes: [UInt8], _ name: String, _ found: inout Annotations) throws -> Void) throws {
        for name in names {
            do {
                try body(try ReadableFile.contents(of: whole(name), limit: 1 << 30), name, &found)
            } catch let failure as Failure where options.skipsBadFiles {
                found.skipped.append(failure)
            }
        }
    }

    /// Reads a file per image: `parse` says what is in one.
    func images(_ options: AnnotationOptions, parse: (_ bytes: [UInt8], _ name: String) throws -> ImageAnnotation) throws -> Annotations {
        var found = Annotations()
        try forEach(options, into: &found) { bytes, name, found in
            var image = try parse(bytes, whole(name))
            image.names.insert(name, at: 0)
            image.file = name
            image.fileHash = SHA256.hex(of: bytes)
            found.images.append(image)
        }
        return found
    }
}

extension AnnotationFiles {
    /// Some of the files.
    init(_ all: AnnotationFiles, names: [String]) {
        path = all.path
        folder = all.folder
        self.names = names
    }
}
