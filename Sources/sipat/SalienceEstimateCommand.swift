import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import Foundation
import MPI
import Salience

struct SalienceEstimateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "estimate", abstract: "Estimate a salience map for every image of a data set.",
        discussion: """
            mpirun -n 2 sipat salience estimate --data cifar10 --data-dir cifar-10-batches-bin --output maps.npy

            Writes maps.npy (uint8, images × height × width) and maps.json, which says where the maps come from.
            """)

    @Option(help: "\(DatasetLoader.names.joined(separator: ", ")), or the path of a packed set or a folder of images.")
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

    mutating func validate() throws {
        output = try expandingTilde(output)
        try expandTilde(&dataDir)
    }

    func run() throws {
        try Session.withSession { session in try estimate(session.world) }
    }

    private func estimate(_ world: Communicator) throws {
        let experiment = try world.agreeing { try prepare() }
        var progress = ProgressLine()
        let start = monotonicSeconds()
        var lastShown = start
        let maps = try experiment.run(communicator: world, createdBy: "sipat \(Sipat.configuration.version)") { done, total in
            guard world.rank == 0, done % 64 == 0, monotonicSeconds() - lastShown > 5 else { return }
            lastShown = monotonicSeconds()
            let rate = Double(done) / (lastShown - start)
            progress.note(
                "\(done * world.size)/\(total * world.size) images, \(decimal(rate * Double(world.size), 0)) images/s, \(duration(Double(total - done) / rate)) left")
        }
        try world.agreeing {
            guard let maps else { return }
            try maps.write(to: output)
            try Output.result("\(output): \(maps.provenance.summary)\n\(try SalienceStatistics(maps).table)")
        }
    }

    private func prepare() throws -> SalienceExperiment {
        guard output.hasSuffix(".npy") else { throw Failure.usage("--output \(output) does not end in .npy") }
        guard force || !FileManager.default.fileExists(atPath: output) else {
            throw Failure.usage("\(output) exists already", remedy: "name another file, or give --force")
        }
        try requireWritable(
            [("--output", output), ("--output (its JSON)", SalienceProvenance.path(besides: output))], inputs: dataDir.map { [$0] } ?? [])
        guard let split = DatasetSplit(rawValue: split) else {
            throw Failure.usage("--split is \"\(split)\", expected train or test")
        }
        if let sigma, !(sigma > 0) || !sigma.isFinite { throw Failure.usage("--sigma is \(sigma), expected more than 0") }
        let chosen = try salienceEstimator(named: estimator, sigma: sigma)
        return SalienceExperiment(
            dataset: try DatasetLoader.source(name: data, directory: dataDir, split: split), estimator: chosen, split: split)
    }
}
