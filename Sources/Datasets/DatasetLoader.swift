import Diagnostics

/// Which part of a data set.
package enum DatasetSplit: String, Sendable, CaseIterable {
    case train
    case test
}

/// Finds and reads a data set by name.
package enum DatasetLoader {
    /// Every data set `load` knows.
    package enum Name: String, Sendable, CaseIterable {
        case cifar10
        case cifar100
        case mnist
        case synthetic
        /// People's own: a packed set, class folders, a manifest.
        case images
    }

    package static let names = Name.allCases.map(\.rawValue)

    /// The data set `name`, one split of it, wherever its images are.
    ///
    /// - Parameters:
    ///   - name: one of `names`, or the path of a packed set, a folder or a manifest.
    ///   - directory: where the files are; for a path in `name`, nil.
    ///   - images: how people's own images are read; ignored by the others.
    /// - Throws: as `load`.
    package static func source(
        name: String, directory: String?, synthetic: SyntheticConfiguration = SyntheticConfiguration(), images: ImagesConfiguration = .init(),
        split: DatasetSplit
    ) throws -> any ImageSource {
        if Name(rawValue: name) == .images { return try images.source(at: required(directory, for: name), split: split) }
        if Name(rawValue: name) == nil, FolderListing.exists(name) { return try images.source(at: name, split: split) }
        return try load(name: name, directory: directory, synthetic: synthetic, split: split)
    }

    /// Every split that holds images, training first.
    ///
    /// - Throws: as `source`.
    package static func sources(
        name: String, directory: String?, synthetic: SyntheticConfiguration = .init(), images: ImagesConfiguration = .init()
    ) throws -> [(split: DatasetSplit, images: any ImageSource)] {
        if Name(rawValue: name) == .images { return try images.sources(at: required(directory, for: name)) }
        if Name(rawValue: name) == nil, FolderListing.exists(name) { return try images.sources(at: name) }
        return try DatasetSplit.allCases.map { ($0, try load(name: name, directory: directory, synthetic: synthetic, split: $0)) }
    }

    /// The data set `name`, one split of it, in memory and in the order of its files.
    ///
    /// - `cifar10`, `cifar100`: A. Krizhevsky's binary version. `mnist`: IDX files, plain or gzipped, of MNIST or any
    ///   data set in its format with ten classes (Fashion-MNIST, KMNIST). Fewer images than the official files have are
    ///   fine. `synthetic`: made here, see `SyntheticConfiguration`; `directory` is not used.
    /// - Parameters:
    ///   - directory: the folder with the files, or the one into which the official archive was unpacked.
    ///   - synthetic: what `synthetic` looks like; ignored by the others.
    /// - Throws: `Failure.usage` for an unknown name or setting, `.inputOutput` for a missing file or folder, `.badData`
    ///   for a file that is not what it should be.
    package static func load(
        name: String, directory: String?, synthetic: SyntheticConfiguration = SyntheticConfiguration(), split: DatasetSplit
    ) throws -> ImageDataset {
        switch Name(rawValue: name) {
        case .cifar10: try CIFARFormat.cifar10.read(split, in: required(directory, for: name))
        case .cifar100: try CIFARFormat.cifar100.read(split, in: required(directory, for: name))
        case .mnist: try IDXReader.read(split, name: name, in: required(directory, for: name))
        case .synthetic: try makeSynthetic(synthetic, split)
        case .images:
            throw Failure.internalError("people's own images are not read into memory")
        case nil:
            throw Failure.usage(
                "unknown data set \"\(name)\", expected one of \(names.joined(separator: ", ")), or the path of a packed set or a folder",
                remedy: nearestName(to: name, among: names).map { "did you mean \($0)?" })
        }
    }

    private static func makeSynthetic(_ configuration: SyntheticConfiguration, _ split: DatasetSplit) throws -> ImageDataset {
        let generator = try SyntheticGenerator(configuration)
        let count = split == .train ? configuration.trainCount : configuration.testCount
        var need = MemoryNeed()
        need.add(count, configuration.imageShape.count + MemoryLayout<Float>.size * configuration.imageShape.pixels)
        try requireMemory(
            need, for: "the data set synthetic with \(count) images of \(configuration.imageShape)", remedy: "make synthetic.\(split.rawValue) or synthetic.size smaller")
        return generator.dataset(split)
    }

    private static func required(_ directory: String?, for name: String) throws -> String {
        guard let directory, !directory.isEmpty else {
            throw Failure.usage(
                "the data set \(name) needs the folder that holds its files",
                remedy: "give it: data.directory in the recipe, or --data-dir; or use the data set synthetic, which needs none")
        }
        return directory
    }
}
