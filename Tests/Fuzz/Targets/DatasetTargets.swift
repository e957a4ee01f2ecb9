import Datasets

private let folder = ScratchFolder("datasets")

extension FuzzTarget {
    /// A file of labels (a part) and one of images, each plain or gzipped.
    static let idx = FuzzTarget("idx") { input in
        var input = input
        folder.write(input.part(), to: "t10k-labels-idx1-ubyte")
        folder.write(input.bytes, to: "t10k-images-idx3-ubyte")
        try check(DatasetLoader.load(name: "mnist", directory: folder.path, split: .test))
    }

    /// Gzipped images, of which there is one label.
    static let gzip = FuzzTarget("gzip") { input in
        folder.write([0, 0, 8, 1, 0, 0, 0, 1, 7], to: "train-labels-idx1-ubyte")
        folder.write(input.bytes, to: "train-images-idx3-ubyte")
        try check(DatasetLoader.load(name: "mnist", directory: folder.path, split: .train))
    }

    /// Names of classes (a part) and a file of records; the first byte tells CIFAR-10 from CIFAR-100.
    static let cifar = FuzzTarget("cifar") { input in
        var input = input
        let isTen = input.byte() % 2 == 0
        folder.write(input.part(), to: isTen ? "batches.meta.txt" : "fine_label_names.txt")
        folder.write(input.bytes, to: isTen ? "test_batch.bin" : "test.bin")
        try check(DatasetLoader.load(name: isTen ? "cifar10" : "cifar100", directory: folder.path, split: .test))
    }
}

/// What every data set that was accepted must be.
private func check(_ dataset: ImageDataset) {
    guard dataset.count > 0, dataset.labels.count == dataset.count, dataset.pixels.count == dataset.count * dataset.imageShape.count,
        dataset.labels.allSatisfy({ dataset.classNames.indices.contains(Int($0)) })
    else { fatalError("\(dataset.count) images, \(dataset.labels.count) labels, \(dataset.pixels.count) bytes") }
}
