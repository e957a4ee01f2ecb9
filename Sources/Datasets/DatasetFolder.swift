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
        let path = try expandingTilde(path)
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard exists, isFolder.boolValue else {
            if exists, Self.isArchive(path) {
                throw Failure.inputOutput(
                    "\(dataset): \(path) is an archive, expected the folder with \(files[0]) that it holds",
                    remedy: "unpack it (\(Self.unpacking(path))) and give the folder (data.directory, --data-dir)")
            }
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
            remedy: remedy())
    }

    /// What to do, from what lies there instead.
    private func remedy() -> String {
        let names = places.flatMap { place in ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted().map { (place, $0) } }
        if let (place, _) = names.first(where: { $0.1 == "data_batch_1" || $0.1 == "test_batch" }) {
            return """
                \(place) holds CIFAR-10 in its Python version, the binary one is needed: take cifar-10-binary.tar.gz, or convert there: \
                python3 -c "import pickle, numpy as np; [np.hstack([np.array(d[b'labels'], np.uint8)[:, None], d[b'data']]).tofile(n + '.bin') \
                for n in ['data_batch_%d' % i for i in range(1, 6)] + ['test_batch'] for d in [pickle.load(open(n, 'rb'), encoding='bytes')]]"
                """
        }
        if let (place, _) = names.first(where: { $0.1 == "meta" }), names.contains(where: { $0.1 == "train" }) {
            return """
                \(place) holds CIFAR-100 in its Python version, the binary one is needed: take cifar-100-binary.tar.gz, or convert there: \
                python3 -c "import pickle, numpy as np; [np.hstack([np.array([d[b'coarse_labels'], d[b'fine_labels']], np.uint8).T, d[b'data']]).tofile(n + '.bin') \
                for n in ['train', 'test'] for d in [pickle.load(open(n, 'rb'), encoding='bytes')]]"
                """
        }
        if let (place, name) = names.first(where: { $0.1 == "cifar-10-batches-py" || $0.1 == "cifar-100-python" }) {
            return "\(place)/\(name) is the Python version, the binary one is needed: give \(place)/\(name) to be told how to convert it"
        }
        if let (place, name) = names.first(where: { Self.isArchive($0.1) }) {
            return "unpack the archive there: \(Self.unpacking(place + "/" + name))"
        }
        return "unpack the data set's archive there, or give the folder that holds this file (data.directory, --data-dir)"
    }

    private static func isArchive(_ path: String) -> Bool {
        [".tar.gz", ".tgz", ".tar", ".zip", ".tar.xz", ".tar.bz2"].contains { path.lowercased().hasSuffix($0) }
    }

    private static func unpacking(_ path: String) -> String {
        path.lowercased().hasSuffix(".zip") ? "unzip \(path) -d \(pathFolder(path))" : "tar xf \(path) -C \(pathFolder(path))"
    }
}
