import Datasets
import Diagnostics
import Kernels
import MPI
import Salience
import Training

/// Estimates a salience map for every image of a data set, each rank its share.
package struct SalienceExperiment {
    package let dataset: any ImageSource
    package let split: DatasetSplit
    /// What the user should know, a line each.
    package let notes: [String]
    private let maker: any MapMaker

    /// Bytes of maps that a rank has at a time, unless one map is larger.
    private static let pieceBytes = 4 << 20

    package init(dataset: any ImageSource, estimator: any SalienceEstimator, split: DatasetSplit) {
        self.init(dataset: dataset, maker: ImageMapMaker(estimator), split: split, notes: [])
    }

    /// Asks a model.
    ///
    /// - Throws: `Failure` naming the file or the flag at fault.
    package init(dataset: any ImageSource, asking request: ModelSalienceRequest, split: DatasetSplit) throws {
        let (estimator, notes) = try request.estimator(for: dataset)
        self.init(dataset: dataset, maker: estimator, split: split, notes: notes)
    }

    private init(dataset: any ImageSource, maker: any MapMaker, split: DatasetSplit, notes: [String]) {
        self.dataset = dataset
        self.maker = maker
        self.split = split
        self.notes = notes
    }

    /// After `run`: what the estimator has to say of its own maps, on rank 0. Collective.
    package func account(_ communicator: Communicator) throws -> String? { try (maker as? ModelSalience)?.account(communicator) }

    /// What is to be said of the maps.
    package func provenance(createdBy: String) -> SalienceProvenance {
        SalienceProvenance(
            source: .estimator, estimator: maker.provenance, dataset: dataset.identity(split: split), createdBy: createdBy)
    }

    /// On whose word the maps are.
    package func origin(createdBy: String) -> SalienceOrigin { SalienceOrigin(maker.provenance, createdBy: createdBy) }

    /// Estimates the maps piece by piece, so that no rank ever has more than a few megabytes of them. Collective.
    ///
    /// - Parameters:
    ///   - receive: called on rank 0 with the next maps in the order of the images, [n, height, width], 0 to 255 for 0 to 1; the
    ///     same bytes whatever the number of ranks. What it throws is thrown on all ranks.
    ///   - progress: called after each piece with the number of images that all ranks together have done.
    package func run(communicator: Communicator, progress: (_ done: Int) -> Void, receive: (_ maps: [UInt8]) throws -> Void) throws {
        let shape = dataset.imageShape
        let piece = communicator.size * max(1, Self.pieceBytes / max(1, shape.pixels))
        let (image, map) = (FloatBuffer(count: shape.count), FloatBuffer(count: shape.pixels))
        for first in stride(from: 0, to: dataset.count, by: piece) {
            let count = min(piece, dataset.count - first)
            let share = ownedMicroBatches(total: count, rank: communicator.rank, size: communicator.size)
            var maps = [UInt8](repeating: 0, count: share.count * shape.pixels)
            try communicator.agreeing {
                try maps.withUnsafeMutableBufferPointer { maps in
                    for (place, offset) in share.enumerated() {
                        let index = first + offset
                        try dataset.read(index, values: image.pointer)
                        try maker.write(UnsafePointer(image.pointer), index: index, label: Int(dataset.labels[index]), shape: shape, into: map.pointer)
                        for i in 0..<shape.pixels { maps[place * shape.pixels + i] = UInt8((min(max(map[i], 0), 1) * 255).rounded()) }
                    }
                }
            }
            let parts = try communicator.gather(maps)
            try communicator.agreeing { try parts?.forEach(receive) }
            progress(first + count)
        }
    }
}
