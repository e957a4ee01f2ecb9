import ArgumentParser
import Attacks
import Checkpoints
import Diagnostics
import Foundation
import Kernels
import MPI
import NeuralNet
import Recipes
import Salience

/// Runs attacks on images from files and times each: what `Scripts/compare-with-autoattack` puts beside the official code.
struct BenchAttacksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attacks", abstract: "Time AutoAttack, or some of its attacks, on images from an .npy file.", shouldDisplay: false)

    @Option(help: "Weights: a safetensors file.")
    var weights: String
    @OptionGroup var network: BenchModelOptions
    @Option(help: "Images: .npy of [images, height, width, channels], uint8 or float32 in [0, 1].")
    var images: String
    @Option(help: "Their classes: .npy of [images], uint8.")
    var labels: String
    @Option(help: "Masks: .npy of [images, height, width], uint8, 255 where a pixel may change.")
    var masks: String?
    @Option(help: "linf or l2.")
    var norm = "linf"
    @Option(help: "The radius, such as 8/255.")
    var epsilon = "8/255"
    @Option(help: "standard, plus or rand, or attacks separated by commas.")
    var attacks = "standard"
    @Option(help: "The most images at a time.")
    var batch = 32
    @Option(help: "Seed of all draws.")
    var seed: UInt64 = 0
    @Option(help: "Write the result as JSON.")
    var json: String?

    private struct Row: Codable {
        let attack: AttackDescription
        let seconds: Double
        /// Processor time of all ranks, without their waiting for each other.
        let processorSeconds: Double
        let standing: Int
        let unconfirmed: Int
        let zeroGradients: Int
        let forwardQueries: Int
        let gradientQueries: Int
    }

    private struct Result: Codable {
        let images: Int
        let ranks: Int
        let clean: Int
        let rows: [Row]
        /// By image: the attack that broke it, "clean" if it was wrong as it was, "" if it stands.
        let brokenBy: [String]
    }

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let bench = try world.agreeing {
                if world.rank == 0 { try requireWritable([("--json", json)], inputs: [weights, images, labels, masks].compactMap { $0 }) }
                return try Bench(self)
            }
            let result = try bench.run(world)
            try world.agreeing {
                guard world.rank == 0 else { return }
                if let json { try writeJSON(result, to: json) }
            }
        }
    }

    /// Everything opened.
    private struct Bench {
        let shape: ImageShape
        let classes: Int
        let images: FloatBuffer
        let masks: FloatBuffer?
        let labels: [Int32]
        let pass: FrozenPass
        let list: [any Attack]
        let driver: AttackDriver
        let seed: UInt64

        init(_ command: BenchAttacksCommand) throws {
            let file = try NpyFile(command.images)
            guard file.shape.count == 4, file.shape[0] > 0 else {
                throw Failure.badData("\(command.images): shape \(file.shape), expected [images, height, width, channels]")
            }
            shape = ImageShape(height: file.shape[1], width: file.shape[2], channels: file.shape[3])
            images = try Self.floats(file)
            let labelFile = try NpyFile(command.labels)
            guard labelFile.shape == [file.shape[0]], labelFile.type == .uint8 else {
                throw Failure.badData("\(command.labels): shape \(labelFile.shape), expected [\(file.shape[0])] of uint8")
            }
            labels = try Self.bytes(labelFile).map(Int32.init)
            if let path = command.masks {
                let maskFile = try NpyFile(path)
                guard maskFile.shape == Array(file.shape[..<3]) else {
                    throw Failure.badData("\(path): shape \(maskFile.shape), expected \(Array(file.shape[..<3]))")
                }
                masks = try Self.floats(maskFile)
            } else {
                masks = nil
            }
            classes = command.network.classes
            let network = try command.network.configuration().network(input: shape, classes: classes)
            let state = ModelState(network: network)
            try ModelWeights.load(command.weights, into: state)
            let model = FrozenModel(network: network)
            model.freeze(state)
            guard command.batch >= 1 else { throw Failure.usage("--batch is \(command.batch), expected at least 1") }
            pass = FrozenPass(model, capacity: command.batch)
            guard let norm = Norm(rawValue: command.norm) else { throw Failure.usage("--norm is \"\(command.norm)\", expected linf or l2") }
            guard let epsilon = RecipeField.number(command.epsilon) else { throw Failure.usage("--epsilon: \"\(command.epsilon)\" is no radius") }
            let threat = ThreatModel(norm: norm, epsilon: Float(epsilon))
            if let version = AutoAttack.Version(rawValue: command.attacks) {
                list = AutoAttack.attacks(version, threat)
            } else {
                list = try command.attacks.split(separator: ",").map { try AutoAttack.attack(named: String($0), threat) }
            }
            driver = AttackDriver(imageShape: shape, classes: classes, capacity: command.batch)
            seed = command.seed
        }

        private static func processorSeconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }

        private static func bytes(_ file: NpyFile) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: file.count)
            try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
            return bytes
        }

        private static func floats(_ file: NpyFile) throws -> FloatBuffer {
            if file.type == .uint8 { return FloatBuffer(try bytes(file).map { Float($0) / 255 }) }
            let buffer = FloatBuffer(count: file.count)
            try file.read(into: UnsafeMutableRawBufferPointer(start: buffer.pointer, count: 4 * file.count))
            return buffer
        }

        /// The images that stand are dealt out again before each attack, so that ranks finish together.
        func run(_ world: Communicator) throws -> Result {
            let indices = Array(labels.indices)
            let start = monotonicSeconds()
            var brokenBy = [String](repeating: "", count: labels.count)
            var rows: [Row] = []
            try labels.withUnsafeBufferPointer { labels in
                try indices.withUnsafeBufferPointer { indices in
                    let all = ImagesInMemory(
                        shape, count: labels.count, images: images.pointer, labels: labels.baseAddress!,
                        mask: masks.map { UnsafePointer($0.pointer) }, indices: indices.baseAddress!)
                    for outcome in try driver.clean(all, model: pass) where outcome.succeeded { brokenBy[outcome.position] = "clean" }
                    let clean = brokenBy.count { $0.isEmpty }
                    if world.rank == 0 { try Output.result("clean: \(clean) of \(labels.count), \(decimal(monotonicSeconds() - start, 1)) s") }
                    for attack in list where brokenBy.contains("") {
                        let (start, startOfWork) = (monotonicSeconds(), Self.processorSeconds())
                        let standing = brokenBy.indices.filter { brokenBy[$0].isEmpty }
                        let mine = stride(from: world.rank, to: standing.count, by: world.size).map { standing[$0] }
                        var (fallen, counts): ([Int], [Int]) = ([], [0, 0, 0, 0])
                        try driver.run(attack, model: pass, on: SelectedImages(all, positions: mine), seed: seed) { outcome, _ in
                            if outcome.succeeded { fallen.append(mine[outcome.position]) }
                            counts[0] += outcome.isConfirmed ? 0 : 1
                            counts[1] += outcome.claim.hasZeroGradient ? 1 : 0
                            counts[2] += outcome.claim.forwardQueries
                            counts[3] += outcome.claim.gradientQueries
                        }
                        let work = try world.allreduce(Self.processorSeconds() - startOfWork, .sum)
                        for position in try world.allgather(fallen) { brokenBy[position] = attack.name }
                        try world.allreduce(&counts, .sum)
                        let left = brokenBy.count { $0.isEmpty }
                        rows.append(
                            Row(
                                attack: attack.description(classes: classes), seconds: monotonicSeconds() - start,
                                processorSeconds: work, standing: left,
                                unconfirmed: counts[0], zeroGradients: counts[1], forwardQueries: counts[2], gradientQueries: counts[3]))
                        if world.rank == 0 {
                            try Output.result("\(attack.name): \(left) of \(labels.count), \(decimal(rows.last!.seconds, 1)) s")
                        }
                    }
                }
            }
            return Result(
                images: labels.count, ranks: world.size, clean: brokenBy.count { $0 != "clean" }, rows: rows,
                brokenBy: brokenBy)
        }
    }
}
