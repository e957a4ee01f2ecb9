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
            mpirun -n 2 sipat salience estimate --data steel.pack --estimator boolean-map --output steel-auto
            mpirun -n 2 sipat salience estimate --data cifar10 --data-dir cifar-10-batches-bin --output maps.npy

            Writes a folder of maps for all splits of the data set, for salience.maps and --salience; or, where the name ends in .npy,
            an array of one split's maps (uint8, images × height × width) and a JSON beside it that says where they come from. The
            maps are the same on any number of ranks.

            boolean-map        surrounded regions over thresholds of lightness and colour (Zhang and Sclaroff 2013)
            local-contrast     distance from the surroundings' mean at four scales (after Reinagel and Zador 1999)
            fine-grained       differences from the surroundings at six scales (Montabone and Soto 2010)
            colour-spectral    the image signature in colour (Schauerte and Stiefelhagen 2012)
            spectral-residual  what sticks out of the log-amplitude spectrum (Hou and Zhang 2007)
            centre-prior       a Gaussian around the centre, whatever the image shows

            and, of a model (--weights runs/first),

            gradient              |gradient of the loss|: what the SIP-AT authors take the largest values of
            smoothgrad            the gradient, averaged over noisy copies (Smilkov et al. 2017)
            integrated-gradients  averaged on the way from a black image, times the image (Sundararajan et al. 2017)
            grad-cam              the last activation's channels, weighed by their gradients (Selvaraju et al. 2017)

            Maps of gradients are ranks: 0.7 or more are the image's top 30 %.
            """)

    @OptionGroup var data: SalienceDataOptions
    @Option(help: "train or test; all that there are if not given, and train for an .npy.")
    var split: String?
    @Option(help: "\((salienceEstimatorNames + ModelEstimatorName.allCases.map(\.rawValue)).joined(separator: ", ")).")
    var estimator = "spectral-residual"
    @Option(help: "Width of the blur, in pixels of 64 (spectral-residual, colour-spectral) or as a share of the longer side (boolean-map, local-contrast), or of the centre as a share of the size (centre-prior).")
    var sigma: Double?
    @Option(help: "Multiply the maps by a Gaussian around the centre of this width, as a share of the size; 0.25 is common.")
    var centrePrior: Double?
    @OptionGroup(title: "Options of estimators that ask a model") var asking: ModelEstimatorOptions

    @Option(help: "The folder to write, or a file whose name ends in .npy.")
    var output: String
    @Flag(help: "Overwrite what is there.")
    var force = false

    mutating func validate() throws { output = try expandingTilde(output) }

    func run() throws {
        try Session.withSession { session in try estimate(session.world) }
    }

    private var createdBy: String { "sipat \(Sipat.configuration.version)" }
    private var writesArray: Bool { output.hasSuffix(".npy") }

    private func estimate(_ world: Communicator) throws {
        let leftOut = try data.leftOut(world)
        let (experiments, writer) = try world.agreeing {
            let experiments = try prepare(without: leftOut)
            if world.rank == 0 { for note in experiments[0].notes { Output.complain(note) } }
            return (experiments, world.rank == 0 ? try EstimateWriter(experiments, to: output, createdBy: createdBy) : nil)
        }
        var progress = ProgressLine()
        let start = monotonicSeconds()
        var (lastShown, before) = (start, 0)
        let total = experiments.reduce(0) { $0 + $1.dataset.count }
        for experiment in experiments {
            try experiment.run(communicator: world) { done in
                guard world.rank == 0, before + done < total, monotonicSeconds() - lastShown > 5 else { return }
                lastShown = monotonicSeconds()
                let rate = Double(before + done) / (lastShown - start)
                progress.note("\(before + done)/\(total) images, \(decimal(rate, 0)) images/s, \(duration(Double(total - before - done) / rate)) left")
            } receive: { maps in
                try writer?.append(maps)
            }
            before += experiment.dataset.count
            if let account = try experiment.account(world) { Output.complain(account) }
        }
        try world.agreeing {
            guard let writer else { return }
            try writer.finish()
            let blank = writer.blank > 0 ? "\n\(writer.blank) maps mark nothing: their images count as unseen" : ""
            try Output.result(summary(experiments) + blank)
        }
    }

    private func summary(_ experiments: [SalienceExperiment]) throws -> String {
        if writesArray {
            let maps = try SalienceMaps(contentsOf: output)
            return "\(output): \(maps.provenance.summary)\n\(try SalienceStatistics(maps).table)"
        }
        let store = try SalienceStore(output)
        let parts = try experiments.map { experiment in
            let maps = try StoredSalience(store, split: experiment.split.rawValue)
            return "\(output): \(experiment.provenance(createdBy: createdBy).summary)\n\(try SalienceStatistics(maps).table)"
        }
        return parts.joined(separator: "\n")
    }

    private func prepare(without leftOut: Set<String>) throws -> [SalienceExperiment] {
        let wanted: DatasetSplit? = try choice(split, flag: "--split")
        if let sigma, !(sigma > 0) || !sigma.isFinite { throw Failure.usage("--sigma is \(sigma), expected more than 0") }
        if let centrePrior, !(centrePrior > 0) || !centrePrior.isFinite { throw Failure.usage("--centre-prior is \(centrePrior), expected more than 0") }
        let request = try asking.request(estimator: estimator)
        guard request == nil || sigma == nil && centrePrior == nil else {
            throw Failure.usage("--sigma and --centre-prior are options of estimators that ask no model", remedy: "leave them out")
        }
        let chosen = request == nil ? try salienceEstimator(named: estimator, sigma: sigma, centrePrior: centrePrior) : nil
        func experiment(_ images: any ImageSource, _ split: DatasetSplit) throws -> SalienceExperiment {
            if let chosen { return SalienceExperiment(dataset: images, estimator: chosen, split: split) }
            return try SalienceExperiment(dataset: images, asking: request!, split: split)
        }
        guard writesArray else {
            try requireRoom(forStore: output, force: force, inputs: data.inputs)
            let sources = try wanted.map { [($0, try data.source($0, without: leftOut, synthetic: request?.synthetic))] } ?? data.sources(without: leftOut, synthetic: request?.synthetic)
            guard !sources.isEmpty else { throw Failure.badData("\(data.data): holds no images", remedy: "look at it with sipat data check") }
            return try sources.map { try experiment($0.1, $0.0) }
        }
        guard force || !FileManager.default.fileExists(atPath: output) else {
            throw Failure.usage("\(output) exists already", remedy: "name another file, or give --force")
        }
        try requireWritable(
            [("--output", output), ("--output (its JSON)", SalienceProvenance.path(besides: output))], inputs: data.inputs)
        let part = wanted ?? .train
        return [try experiment(data.source(part, without: leftOut, synthetic: request?.synthetic), part)]
    }
}

/// Where rank 0 puts estimated maps: a store, or an array.
private final class EstimateWriter {
    private enum Target {
        case store(SalienceStoreWriter)
        case array(NpyWriter, provenance: SalienceProvenance, path: String)
    }

    private let target: Target
    /// The images' names, in the order of the maps.
    private let names: [String]
    private let hashes: [String?]
    private let pixels: Int
    private var next = 0
    /// Maps that mark nothing, see `SalienceContent.init(estimate:)`.
    private(set) var blank = 0

    init(_ experiments: [SalienceExperiment], to path: String, createdBy: String) throws {
        let first = experiments[0].dataset
        pixels = first.imageShape.pixels
        if path.hasSuffix(".npy") {
            (names, hashes) = ([], [])
            let shape = [first.count, first.imageShape.height, first.imageShape.width]
            target = .array(try NpyWriter(.uint8, shape: shape, to: path), provenance: experiments[0].provenance(createdBy: createdBy), path: path)
            return
        }
        names = try experiments.flatMap { try $0.dataset.names() }
        hashes = try experiments.flatMap { try $0.dataset.fileHashes(Array(0..<$0.dataset.count)) }
        target = .store(
            try SalienceStoreWriter(
                to: path, size: first.imageSize, fit: first.fitRule, datasets: experiments.map { $0.dataset.identity(split: $0.split) },
                origins: [experiments[0].origin(createdBy: createdBy)], createdBy: createdBy))
    }

    func append(_ maps: [UInt8]) throws {
        switch target {
        case .array(let writer, _, _): try maps.withUnsafeBytes { try writer.append($0) }
        case .store(let writer):
            for start in stride(from: 0, to: maps.count, by: pixels) {
                let content = SalienceContent(estimate: Array(maps[start..<start + pixels]))
                let isBlank = content == .unseen
                if isBlank { blank += 1 }
                try writer.add(
                    image: names[next], content, imageHash: hashes[next], origin: isBlank ? nil : 0, remarks: isBlank ? ["the estimator marks nothing"] : [])
                next += 1
            }
        }
    }

    func finish() throws {
        switch target {
        case .store(let writer): _ = try writer.finish()
        case .array(let writer, let provenance, let path):
            // An older JSON goes first and the new one comes last: a crash leaves no pair that does not match.
            unlink(SalienceProvenance.path(besides: path))
            try writer.finish()
            try provenance.write(besides: path)
        }
    }
}
