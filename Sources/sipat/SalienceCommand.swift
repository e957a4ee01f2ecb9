import ArgumentParser
import Datasets
import Diagnostics
import Foundation
import Kernels
import MPI
import Salience
import Training

struct SalienceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salience", abstract: "Estimate salience maps, or look at them.",
        subcommands: [SalienceEstimateCommand.self, SalienceShowCommand.self])
}

struct SalienceEstimateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "estimate", abstract: "Estimate a salience map for every image of a data set.",
        discussion: """
            mpirun -n 2 sipat salience estimate --data cifar10 --data-dir cifar-10-batches-bin --output maps.npy

            Writes maps.npy (uint8, images × height × width) and maps.json, which says where the maps come from.
            """)

    @Option(help: "cifar10, cifar100, mnist or synthetic.")
    var data: String
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @Option(help: "train or test.")
    var split = "train"
    @Option(help: "spectral-residual (Hou and Zhang 2007) or centre-prior.")
    var estimator = "spectral-residual"
    @Option(help: "Width of the blur in pixels (spectral-residual), or of the centre as a share of the size (centre-prior).")
    var sigma: Double?
    @Option(help: "The file to write, ending in .npy.")
    var output: String
    @Flag(help: "Overwrite the file if it is there.")
    var force = false

    func run() throws {
        try Session.withSession { session in try estimate(session.world) }
    }

    private func estimate(_ world: Communicator) throws {
        let (dataset, estimator, splitName) = try world.agreeing { try prepare() }
        let shape = dataset.imageShape
        let share = ownedMicroBatches(total: dataset.count, rank: world.rank, size: world.size)
        var maps = [UInt8](repeating: 0, count: share.count * shape.pixels)
        let image = FloatBuffer(count: shape.count)
        var progress = ProgressLine()
        let start = monotonicSeconds()
        var lastShown = start
        maps.withUnsafeMutableBufferPointer { maps in
            for (place, index) in share.enumerated() {
                for i in 0..<shape.count { image[i] = Float(dataset.pixels[index * shape.count + i]) / 255 }
                estimator.estimate(image: image.pointer, shape: shape, into: maps.baseAddress! + place * shape.pixels)
                guard world.rank == 0, place % 64 == 63, monotonicSeconds() - lastShown > 5 else { continue }
                lastShown = monotonicSeconds()
                let rate = Double(place + 1) / (lastShown - start)
                progress.note(
                    "\((place + 1) * world.size)/\(dataset.count) images, \(decimal(rate * Double(world.size), 0)) images/s, \(duration(Double(share.count - place) / rate)) left")
            }
        }
        guard let parts = try world.gather(maps) else { return }
        do {
            let all = SalienceMaps(
                bytes: parts.flatMap { $0 }, count: dataset.count, height: shape.height, width: shape.width,
                provenance: SalienceProvenance(
                    source: .estimator, estimator: estimator.provenance,
                    dataset: .init(name: dataset.name, split: splitName, count: dataset.count, fingerprint: dataset.fingerprint),
                    createdBy: "sipat \(Sipat.configuration.version)"))
            try all.write(to: output)
            print("\(output): \(all.provenance.summary)")
            print(SalienceStatistics(all).table)
        }
    }

    private func prepare() throws -> (ImageDataset, any SalienceEstimator, String) {
        guard output.hasSuffix(".npy") else { throw Failure.usage("--output \(output) does not end in .npy") }
        guard force || !FileManager.default.fileExists(atPath: output) else {
            throw Failure.usage("\(output) exists already", remedy: "name another file, or give --force")
        }
        guard let split = DatasetSplit(rawValue: split) else {
            throw Failure.usage("--split is \"\(split)\", expected train or test")
        }
        if let sigma, !(sigma > 0) || !sigma.isFinite { throw Failure.usage("--sigma is \(sigma), expected more than 0") }
        let chosen: any SalienceEstimator =
            switch (estimator, sigma) {
            case ("spectral-residual", let sigma?): SpectralResidual(sigma: sigma)
            case ("centre-prior", let sigma?): CentrePrior(sigma: sigma)
            default: try salienceEstimator(named: estimator)
            }
        return (try DatasetLoader.load(name: data, directory: dataDir, split: split), chosen, split.rawValue)
    }
}

struct SalienceShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say where maps come from and how much they protect.")

    @Argument(help: "The maps (.npy), with their JSON beside them.")
    var maps: String
    @Option(help: "The binary mask's threshold.")
    var threshold = 0.5

    func run() throws {
        try reportingFailures {
            let loaded = try SalienceMaps(contentsOf: maps)
            print("\(maps): \(loaded.provenance.summary), made by \(loaded.provenance.createdBy)")
            print(SalienceStatistics(loaded, threshold: Float(threshold)).table)
        }
    }
}

