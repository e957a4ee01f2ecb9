import Diagnostics
import Foundation

/// What `sipat scale run` measured: the file `scale.json`, all that a prediction needs.
package struct ScaleRun: Codable, Sendable, Hashable {
    /// The work, as `sipat bench step` does it.
    package struct Work: Codable, Sendable, Hashable {
        package var model: String
        package var width: Int?
        package var stem: String
        package var inputSize: Int
        package var classes: Int
        package var pgdSteps: Int
        package var microBatch: Int
        /// Images per step over all ranks, in strong scaling.
        package var globalBatch: Int
        /// Images per step and rank, in weak scaling.
        package var rankBatch: Int

        package init(
            model: String, width: Int?, stem: String, inputSize: Int, classes: Int, pgdSteps: Int, microBatch: Int,
            globalBatch: Int, rankBatch: Int
        ) {
            self.model = model
            self.width = width
            self.stem = stem
            self.inputSize = inputSize
            self.classes = classes
            self.pgdSteps = pgdSteps
            self.microBatch = microBatch
            self.globalBatch = globalBatch
            self.rankBatch = rankBatch
        }
    }

    package static let currentVersion = 2
    package var version = currentVersion
    package var host: String
    package var cpu: String
    package var cores: Int
    package var work: Work
    /// Bytes that ranks sum in a step.
    package var gradientBytes: Int
    package var points: [ScalePoint]
    package var allreduce: [AllreducePoint]

    package init(
        host: String, cpu: String, cores: Int, work: Work, gradientBytes: Int, points: [ScalePoint], allreduce: [AllreducePoint]
    ) {
        self.host = host
        self.cpu = cpu
        self.cores = cores
        self.work = work
        self.gradientBytes = gradientBytes
        self.points = points
        self.allreduce = allreduce
    }

    /// Reads a `scale.json`.
    ///
    /// - Throws: `Failure` naming the file and what is wrong with it.
    package init(contentsOf path: String) throws {
        let bytes = try ReadableFile.contents(of: path, limit: 64 << 20)
        do {
            self = try decodedJSON(ScaleRun.self, from: bytes)
        } catch let error as DecodingError {
            throw Failure.badData("\(path): \(Self.explain(error))", remedy: "name a scale.json that sipat scale run has written")
        }
        guard version == Self.currentVersion else {
            throw Failure.badData("\(path): version is \(version), expected \(Self.currentVersion)", remedy: "measure again with this sipat")
        }
        guard let first = points.first else { throw Failure.badData("\(path): points is empty: there is nothing to predict from") }
        for point in points {
            guard point.ranks >= 1, point.threads >= 1, point.rankBatch >= 1, !point.steps.isEmpty,
                point.steps.allSatisfy({ $0 > 0 && $0.isFinite }), point.compute > 0, point.compute.isFinite
            else {
                throw Failure.badData("\(path): points: the point of \(point.ranks) ranks has numbers that are not positive (\(first.scaling))")
            }
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func name(_ path: [any CodingKey]) -> String { path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".") }
        switch error {
        case .keyNotFound(let key, let context): return "\(name(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\(name(context.codingPath)) has the wrong type"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "not JSON" : "\(name(context.codingPath)): \(context.debugDescription)"
        @unknown default: return "not readable"
        }
    }
}

/// One measured number of ranks and threads.
package struct ScalePoint: Codable, Sendable, Hashable {
    package enum Scaling: String, Codable, Sendable, CaseIterable {
        /// The same global batch on any number of ranks.
        case strong
        /// The same batch per rank.
        case weak
    }

    package var scaling: Scaling
    package var ranks: Int
    package var threads: Int
    package var rankBatch: Int
    /// Whether ranks × threads exceed the cores: then the figure says nothing of a larger machine.
    package var isOversubscribed: Bool
    /// Seconds of all timed steps of all repetitions.
    package var steps: [Double]
    /// The median rank's computation in a step (data, attack, update, optimizer), in seconds.
    package var compute: Double
    /// Of it, the backward pass.
    package var backward: Double
    package var optimizer: Double
    package var exposedCommunication: Double
    package var hiddenCommunication: Double
    /// How much longer the slowest rank computes than the median one: 0.1 is a tenth.
    package var imbalance: Double
    /// Standard deviation of computation over ranks and steps, as a share of its mean.
    package var spread: Double

    package init(
        scaling: Scaling, ranks: Int, threads: Int, rankBatch: Int, isOversubscribed: Bool, steps: [Double], compute: Double,
        backward: Double, optimizer: Double, exposedCommunication: Double, hiddenCommunication: Double, imbalance: Double,
        spread: Double
    ) {
        self.scaling = scaling
        self.ranks = ranks
        self.threads = threads
        self.rankBatch = rankBatch
        self.isOversubscribed = isOversubscribed
        self.steps = steps
        self.compute = compute
        self.backward = backward
        self.optimizer = optimizer
        self.exposedCommunication = exposedCommunication
        self.hiddenCommunication = hiddenCommunication
        self.imbalance = imbalance
        self.spread = spread
    }

    /// The median step, in seconds.
    package var stepSeconds: Double { steps.median() }
    package var imagesPerSecond: Double { Double(ranks * rankBatch) / stepSeconds }
    package var workers: Int { ranks * threads }
}

/// The time of one gradient reduction of `bytes` on `ranks` ranks, in seconds.
package struct AllreducePoint: Codable, Sendable, Hashable {
    package var ranks: Int
    package var bytes: Int
    package var reproducible: Double
    package var mpi: Double

    package init(ranks: Int, bytes: Int, reproducible: Double, mpi: Double) {
        self.ranks = ranks
        self.bytes = bytes
        self.reproducible = reproducible
        self.mpi = mpi
    }
}
