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
    private let estimator: any SalienceEstimator

    /// Bytes of maps that a rank has at a time, unless one map is larger.
    private static let pieceBytes = 4 << 20

    package init(dataset: any ImageSource, estimator: any SalienceEstimator, split: DatasetSplit) {
        self.dataset = dataset
        self.estimator = estimator
        self.split = split
    }

    /// What is to be said of the maps.
    package func provenance(createdBy: String) -> SalienceProvenance {
        SalienceProvenance(
            source: .estimator, estimator: estimator.provenance, dataset: dataset.identity(split: split), createdBy: createdBy)
    }

    /// On whose word the maps are.
    package func origin(createdBy: String) -> SalienceOrigin { SalienceOrigin(estimator.provenance, createdBy: createdBy) }

    /// Estimates the maps piece by piece, so that no rank ever has more than a few megabytes of them. Collective.
    ///
    /// - Parameters:
    ///   - receive: called on rank 0 with the next maps in the order of the images, [n, height, width], 0 to 255 for 0 to 1; the
    ///     same bytes whatever the number of ranks. What it throws is thrown on all ranks.
    ///   - progress: called after each piece with the number of images that all ranks together have done.
    package func run(communicator: Communicator, progress: (_ done: Int) -> Void, receive: (_ maps: [UInt8]) throws -> Void) throws {
        let shape = dataset.imageShape
        let piece = communicator.size * max(1, Self.pieceBytes / max(1, shape.pixels))
        let image = FloatBuffer(count: shape.count)
        for first in stride(from: 0, to: dataset.count, by: piece) {
            let count = min(piece, dataset.count - first)
            let share = ownedMicroBatches(total: count, rank: communicator.rank, size: communicator.size)
            var maps = [UInt8](repeating: 0, count: share.count * shape.pixels)
            try communicator.agreeing {
                try maps.withUnsafeMutableBufferPointer { maps in
                    for (place, offset) in share.enumerated() {
                        try dataset.read(first + offset, values: image.pointer)
                        estimator.estimate(image: image.pointer, shape: shape, into: maps.baseAddress! + place * shape.pixels)
                    }
                }
            }
            let parts = try communicator.gather(maps)
            try communicator.agreeing { try parts?.forEach(receive) }
            progress(first + count)
        }
    }
}
