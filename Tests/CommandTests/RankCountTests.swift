import Checkpoints
import Testing

@Suite("The same run on any number of ranks", .serialized)
struct RankCountTests {
    /// 198 training images in batches of 32: the last batch of an epoch has 6, one micro-batch.
    @Test func weightsMomentumAndMetricsAreTheSame() throws {
        let folder = try TemporaryFolder()
        var seen: [(ranks: Int, weights: String, momentum: String, metrics: [String])] = []
        for ranks in [1, 2, 3, 4] {
            let run = folder.path + "/\(ranks)"
            let result = try TinyRun.train(run, ranks: ranks)
            #expect(result.status == 0, "\(result)")
            seen.append((ranks, try TinyRun.weights(run), try TinyRun.momentum(run), try TinyRun.metrics(run)))
        }
        for other in seen.dropFirst() {
            #expect(other.weights == seen[0].weights, "\(other.ranks) ranks")
            #expect(other.momentum == seen[0].momentum, "\(other.ranks) ranks")
            #expect(other.metrics == seen[0].metrics, "\(other.ranks) ranks")
        }
        #expect(seen[0].metrics.count == 2 * 7 + 2)
    }

    /// OpenBLAS is asked for products whose sizes no number of ranks changes; the network's widths fill no vector.
    @Test(arguments: ["blas", "auto"]) func productsByOpenBLASAreTheSame(_ backend: String) throws {
        let folder = try TemporaryFolder()
        let settings = ["kernels.backend=\(backend)", "model.name=resnet18", "model.width=6", "epochs=1"]
        var seen: [String] = []
        for ranks in [1, 2, 3] {
            let run = folder.path + "/\(ranks)"
            let result = try TinyRun.train(run, ranks: ranks, settings)
            #expect(result.status == 0 && result.output.contains("\(backend) kernels"), "\(result)")
            seen.append(try TinyRun.weights(run))
        }
        #expect(seen[0].hasPrefix("7 ") && Set(seen).count == 1, "\(seen)")
        guard backend == "blas" else { return }
        // Our own loops round otherwise: the key does something.
        let native = folder.path + "/native"
        #expect(try TinyRun.train(native, settings + ["kernels.backend=native"]).status == 0)
        #expect(try TinyRun.weights(native) != seen[0])
    }

    /// The attack rounds, and the update does not: nearly the losses of float32, on any number of ranks.
    @Test func attacksInBFloat16AreTheSame() throws {
        let folder = try TemporaryFolder()
        let settings = ["model.name=resnet18", "model.width=8", "epochs=1"]
        var seen: [String] = []
        for ranks in [1, 2, 3] {
            let run = folder.path + "/\(ranks)"
            let result = try TinyRun.train(run, ranks: ranks, settings + ["attack.precision=bfloat16"])
            #expect(result.status == 0 && result.output.contains("attack in bfloat16"), "\(result)")
            seen.append(try TinyRun.weights(run))
        }
        #expect(seen[0].hasPrefix("7 ") && Set(seen).count == 1, "\(seen)")
        let exact = folder.path + "/exact"
        #expect(try TinyRun.train(exact, settings).status == 0)
        #expect(try TinyRun.weights(exact) != seen[0])
        let (a, b) = (try losses(exact), try losses(folder.path + "/1"))
        #expect(a.count == 7 && abs(a[0] - b[0]) < 0.01 * a[0], "\(a) \(b)")
    }

    @Test func threadsAreLikeRanks() throws {
        let folder = try TemporaryFolder()
        let alone = folder.path + "/alone"
        let threaded = folder.path + "/threaded"
        #expect(try TinyRun.train(alone).status == 0)
        let result = try TinyRun.train(threaded, ranks: 2, more: ["--threads", "2"])
        #expect(result.status == 0, "\(result)")
        #expect(try TinyRun.weights(threaded) == TinyRun.weights(alone))
    }

    @Test func moreRanksThanMicroBatchesIsAnError() throws {
        let folder = try TemporaryFolder()
        let result = try TinyRun.train(folder.path + "/run", ranks: 3, ["data.batch=16"])
        #expect(result.status == 64, "\(result)")
        #expect(result.errors.contains("3 ranks") && result.errors.contains("2 micro-batches"), "\(result)")
    }

    /// Half the bytes, and sums that are the same on all ranks: the losses stay near those of float32.
    @Test func compressedReductionIsClose() throws {
        let folder = try TemporaryFolder()
        #expect(try TinyRun.train(folder.path + "/exact", ranks: 3).status == 0)
        let result = try TinyRun.train(folder.path + "/bf16", ranks: 3, ["communication.reduction=bf16"])
        #expect(result.status == 0, "\(result)")
        let (exact, rounded) = (try losses(folder.path + "/exact"), try losses(folder.path + "/bf16"))
        #expect(exact.count == 14 && rounded.count == 14)
        #expect(exact != rounded)
        // The first step's loss is a sum over the samples, and never rounded.
        #expect(exact[0] == rounded[0])
        for (a, b) in zip(exact, rounded) { #expect(abs(a - b) < 0.05, "\(a) \(b)") }
    }

    private func losses(_ run: String) throws -> [Double] {
        try TinyRun.lines(run).filter { $0["type"] as? String == "step" }.compactMap { $0["loss"] as? Double }
    }

    @Test func theProfileNamesPartsAndRanks() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let result = try TinyRun.train(run, ranks: 2, ["epochs=1"], more: ["--profile"])
        #expect(result.status == 0, "\(result)")
        for part in ["waiting for data", "attack", "| forward |", "| backward |", "communication, exposed", "optimizer", "(rank "] {
            #expect(result.output.contains(part), "\(result)")
        }
        let timing = try #require(try TinyRun.lines(run).last?["timing"] as? [String: Any])
        #expect(timing["attack"] as? Double ?? 0 > 0 && timing["backward"] is Double && timing["slowestHost"] is String && timing["imbalance"] is Double)
    }

    /// Another order of addition and nothing else: losses and weights stay where the reproducible reduction brings them.
    @Test func mpiReductionIsClose() throws {
        let folder = try TemporaryFolder()
        let (exact, summed) = (folder.path + "/exact", folder.path + "/mpi")
        // Three ranks with four micro-batches: the tree adds (a + b) + (c + d), MPI sums of ranks.
        #expect(try TinyRun.train(exact, ranks: 3).status == 0)
        let result = try TinyRun.train(summed, ranks: 3, ["communication.reduction=mpi"])
        #expect(result.status == 0, "\(result)")
        #expect(try TinyRun.weights(exact) != TinyRun.weights(summed))
        let pairs = zip(try losses(exact), try losses(summed)).map { ($0, $1) }
        #expect(pairs.count == 14)
        for (a, b) in pairs { #expect(abs(a - b) < 1e-5 * a, "\(a) \(b)") }
        #expect(abs(pairs[0].0 - pairs[0].1) < 1e-6)
        let (expected, found) = (try weights(exact), try weights(summed))
        #expect(expected.keys == found.keys && expected.count > 10)
        for (name, values) in expected {
            let difference = zip(values, try #require(found[name])).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let norm = values.reduce(0.0) { $0 + Double($1 * $1) }
            #expect(difference.squareRoot() < 1e-4 * norm.squareRoot(), "\(name)")
        }
    }

    private func weights(_ run: String) throws -> [String: [Float]] {
        let checkpoint = try #require(try CheckpointStore(run: run).latestValid().checkpoint)
        let file = try SafetensorsFile(checkpoint.path(of: "weights.safetensors"))
        let floats = file.names.filter { file.dtype(of: $0) == .float32 }
        return Dictionary(uniqueKeysWithValues: try floats.map { ($0, try file.floats(of: $0)) })
    }
}
