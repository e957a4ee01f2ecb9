import Diagnostics
import Foundation

/// Looks for the files of a data set: in the folder the user named, or in the one the official archive makes there.
struct DatasetFolder {
    let dataset: String
    let path: String
    /// Where to look: `path` itself and some folders in it.
    private let places: [String]

    /// - Throws: `Failure.inputOutput` when `path` is not a folder.
    init(_ path: String, dataset: String, subfolders: [String], expecting files: [String]) throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard exists, isFolder.boolValue else {
            throw Failure.inputOutput(
                "\(dataset): \(path) \(exists ? "is not a folder" : "does not exist"); looked for \(files.joined(separator: ", ")) there",
                remedy: "give the folder that holds these files (data.directory, --data-dir)")
        }
        self.dataset = dataset
        self.path = path
        places = [path] + subfolders.map { path + "/" + $0 }
    }

    /// The path of the first of `names` that exists, or nil.
    func find(anyOf names: [String]) -> String? {
        for place in places {
            for name in names {
                let candidate = place + "/" + name
                if FileManager.default.fileExists(atPath: candidate) { return candidate }
            }
        }
        return nil
    }

    /// The path of the first of `names` that exists.
    ///
    /// - Throws: `Failure.inputOutput` that lists all names and places looked for.
    func file(anyOf names: [String]) throws -> String {
        if let found = find(anyOf: names) { return found }
        throw Failure.inputOutput(
            "\(dataset): missing file \(names[0]); looked for \(names.joined(separator: ", ")) in \(places.joined(separator: ", "))",
            remedy: "unpack the data set's archive there, or give the folder that holds this file (data.directory, --data-dir)")
    }
}
