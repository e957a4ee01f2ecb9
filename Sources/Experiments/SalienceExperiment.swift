import Datasets
import Diagnostics
import Kernels
import MPI
import Salience
import Training

/// Estimates a salience map for every image of a data set, each rank its share.
package struct SalienceExperiment {
    private let dataset: any ImageSource
    private let estimator: any SalienceEstimator
    private let split: DatasetSplit

    package init(dataset: any ImageSource, estimator: any SalienceEstimator, split: DatasetSplit) {
        self.dataset = dataset
        self.estimator = estimator
        self.split = split
    }

    /// Collective; the maps are on rank 0, the same whatever the number of ranks.
    ///
    /// - Parameters:
    ///   - createdBy: the program and version to be named as the maps' maker.
    ///   - progress: called after each image with the number of images this rank has done, and has to do.
    package func run(
        communicator: Communicator, createdBy: String, progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> SalienceMaps? {
        let shape = dataset.imageShape
        let share = ownedMicroBatches(total: dataset.count, rank: communicator.rank, size: communicator.size)
        var maps = [UInt8](repeating: 0, count: share.count * shape.pixels)
        let image = FloatBuffer(count: shape.count)
        try maps.withUnsafeMutableBufferPointer { maps in
            for (place, index) in share.enumerated() {
                try dataset.read(index, values: image.pointer)
                estimator.estimate(image: image.pointer, shape: shape, into: maps.baseAddress! + place * shape.pixels)
                progress(place + 1, share.count)
            }
        }
        guard let parts = try communicator.gather(maps) else { return nil }
        return SalienceMaps(
            bytes: parts.flatMap { $0 }, count: dataset.count, height: shape.height, width: shape.width,
            provenance: SalienceProvenance(
                source: .estimator, estimator: estimator.provenance,
                dataset: .init(name: dataset.name, split: split.rawValue, count: dataset.count, fingerprint: dataset.fingerprint),
                createdBy: createdBy))
    }
}
