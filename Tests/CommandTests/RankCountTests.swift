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

    @Test func mpiReductionIsClose() throws {
        let folder = try TemporaryFolder()
        let result = try TinyRun.train(folder.path + "/mpi", ranks: 2, ["communication.reduction=mpi"])
        #expect(result.status == 0, "\(result)")
    }
}
