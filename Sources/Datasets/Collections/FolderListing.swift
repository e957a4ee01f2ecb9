import Diagnostics
import Foundation

/// What a folder holds, by name.
struct FolderListing {
    /// Names of folders, sorted.
    var folders: [String] = []
    /// Names of files, sorted.
    var files: [String] = []
    /// Names that are passed over: hidden ones and what operating systems leave behind.
    var ignored: [String] = []

    /// - Throws: `Failure.inputOutput` when the folder cannot be read.
    init(_ path: String) throws {
        guard let directory = opendir(path) else { throw Failure.reading(path, code: errno) }
        defer { closedir(directory) }
        while true {
            // Only where nothing comes does errno say whether that is the end; looking at links sets it, too.
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw Failure.reading(path, code: errno) }
                break
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(validating: $0.prefix { $0 != 0 }, as: UTF8.self) }
            let type = Int32(entry.pointee.d_type)
            guard let name else {
                ignored.append("a name that is not UTF-8 (rename it)")
                continue
            }
            if name == "." || name == ".." { continue }
            if FolderListing.isClutter(name) {
                ignored.append(name)
            } else if type == 4 || (type != 8 && FolderListing.isFolder(path + "/" + name)) {
                folders.append(name)
            } else {
                files.append(name)
            }
        }
        folders.sort()
        files.sort()
        ignored.sort()
    }

    /// Hidden names, and the files and folders that Windows and macOS scatter.
    static func isClutter(_ name: String) -> Bool {
        name.hasPrefix(".") || ["thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db", "$recycle.bin"].contains(name.lowercased())
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The path under which a file is found whose name is canonically equivalent (é as one character or as two); nil: none.
    static func canonicalPath(_ path: String) -> String? {
        var found = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            let next = found + "/" + part
            if exists(next) {
                found = next
            } else if let listing = try? FolderListing(found.isEmpty ? "/" : found), let name = (listing.files + listing.folders).first(where: { $0 == part }) {
                found += "/" + name
            } else {
                return nil
            }
        }
        return found
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// Size of a file in bytes; nil where it cannot be looked at.
    static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}
