import Diagnostics
import Foundation
import Images

/// Folders of images. Symbolic links are followed; names decide nothing but what is worth opening.
enum FolderScan {
    private static let imageExtensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "jp2", "jxl", "ppm", "pgm", "pnm",
    ]
    private static let splitNames: [String: DatasetSplit] = [
        "train": .train, "training": .train, "test": .test, "val": .test, "valid": .test, "validation": .test,
    ]

    static func collection(at folder: String, labelFrom: String) throws -> ImageCollection {
        if !labelFrom.isEmpty { return try flat(folder, labelFrom: labelFrom) }
        let top = try FolderListing(folder)
        let splits = top.folders.filter { splitNames[$0.lowercased()] != nil }
        // A class may be called "test"; a split holds folders.
        let areSplits =
            try splits.contains { splitNames[$0.lowercased()] == .train }
            && splits.allSatisfy { try !FolderListing(folder + "/" + $0).folders.isEmpty }
        return areSplits ? try splitFolders(folder, top, splits) : try classFolders(folder, top)
    }

    private static func classFolders(_ folder: String, _ top: FolderListing) throws -> ImageCollection {
        var found = Found(folder: folder)
        found.note(top, in: "")
        for name in top.files { found.ignored.append("\(name): lies beside the class folders") }
        for name in top.folders { try found.addTree(name, label: name, split: nil) }
        return found.collection(.classFolders)
    }

    private static func splitFolders(_ folder: String, _ top: FolderListing, _ splits: [String]) throws -> ImageCollection {
        var found = Found(folder: folder)
        found.note(top, in: "")
        for name in top.files { found.ignored.append("\(name): lies beside the folders of splits") }
        for name in top.folders where !splits.contains(name) { found.ignored.append("\(name)/: is no split (train, test)") }
        let hasTest = splits.contains { $0.lowercased() == "test" }
        for split in splits {
            // Where there is a test folder, a validation folder is more to train on; sipat sets its own validation images aside.
            let isValidation = split.lowercased().hasPrefix("val")
            let part = isValidation && hasTest ? .train : splitNames[split.lowercased()]
            let classes = try FolderListing(folder + "/" + split)
            found.note(classes, in: split + "/")
            for name in classes.files { found.ignored.append("\(split)/\(name): lies beside the class folders") }
            for name in classes.folders { try found.addTree("\(split)/\(name)", label: name, split: part) }
        }
        return found.collection(.splitFolders)
    }

    private static func flat(_ folder: String, labelFrom pattern: String) throws -> ImageCollection {
        let expression: NSRegularExpression
        do {
            expression = try NSRegularExpression(pattern: pattern)
        } catch {
            throw Failure.usage("--label-from \"\(pattern)\" is not a regular expression", remedy: "an example: '^(.*)_[0-9]+'")
        }
        guard expression.numberOfCaptureGroups >= 1 else {
            throw Failure.usage(
                "--label-from \"\(pattern)\" has no group", remedy: "put parentheses around the part that is the label: '^(.*)_[0-9]+'")
        }
        var found = Found(folder: folder)
        try found.addTree("", label: nil, split: nil) { name in
            let stem = FolderScan.stem(name)
            guard let match = expression.firstMatch(in: stem, range: NSRange(stem.startIndex..., in: stem)),
                let range = Range(match.range(at: 1), in: stem), !range.isEmpty
            else { return nil }
            return String(stem[range])
        }
        return found.collection(.flat)
    }

    /// A file's name without what follows its last dot.
    private static func stem(_ name: String) -> String {
        name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    /// Collects entries under label names; numbers them at the end.
    private struct Found {
        let folder: String
        var entries: [(entry: ImageEntry, label: String)] = []
        var ignored: [String] = []
        private var empty: Set<String> = []
        /// Files that are no images.
        private var others = 0

        init(folder: String) { self.folder = folder }

        mutating func note(_ listing: FolderListing, in place: String) { ignored += listing.ignored.map { "\(place)\($0): hidden or a system's" } }

        /// All image files below `path`; `labelOf` names the label of a file where the folder does not.
        mutating func addTree(_ path: String, label: String?, split: DatasetSplit?, labelOf: (String) -> String? = { _ in nil }) throws {
            let before = (images: entries.count, others: others)
            try add(path, label: label, split: split, depth: 0, labelOf: labelOf)
            if let label, entries.count == before.images {
                ignored.append("\(path)/: holds no image, so there is no such class")
                // Annotations, say, may lie beside the classes.
                if others == before.others { empty.insert(label) }
            }
        }

        private mutating func add(_ path: String, label: String?, split: DatasetSplit?, depth: Int, labelOf: (String) -> String?) throws {
            let place = path.isEmpty ? "" : path + "/"
            guard depth < 32 else {
                throw Failure.badData("\(folder)/\(path): folders within folders, 32 deep", remedy: "a symbolic link that leads back to a folder above? Remove it")
            }
            let listing = try FolderListing(path.isEmpty ? folder : "\(folder)/\(path)")
            note(listing, in: place)
            for name in listing.files {
                guard isWorthOpening(name, at: "\(folder)/\(place)\(name)") else {
                    ignored.append("\(place)\(name): neither named nor made as an image")
                    others += 1
                    continue
                }
                guard let found = label ?? labelOf(name) else {
                    ignored.append("\(place)\(name): its name does not match --label-from")
                    continue
                }
                entries.append((ImageEntry(path: place + name, label: 0, split: split), found))
            }
            for name in listing.folders { try add(place + name, label: label, split: split, depth: depth + 1, labelOf: labelOf) }
        }

        /// By name, or, where the name says nothing of images, by the first bytes.
        private func isWorthOpening(_ name: String, at path: String) -> Bool {
            if FolderScan.imageExtensions.contains(name.dropFirst(FolderScan.stem(name).count + 1).lowercased()) { return true }
            guard let file = try? ReadableFile(path), let head = try? file.bytes(at: 0, count: min(16, file.size)) else { return false }
            return head.withUnsafeBytes { ImageFormat(of: $0).isDecoded }
        }

        func collection(_ layout: ImageCollection.Layout) -> ImageCollection {
            let names = Set(entries.map(\.label)).sorted()
            let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
            let numbered = entries.map { entry, label in
                var entry = entry
                entry.label = numbers[label]!
                return entry
            }
            return ImageCollection(
                layout: layout, folder: folder, classNames: names, entries: numbered, ignored: ignored, emptyClasses: empty.subtracting(names).sorted())
        }
    }
}
