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

    @Test func mpiReductionIsClose() throws {
        let folder = try TemporaryFolder()
        let result = try TinyRun.train(folder.path + "/mpi", ranks: 2, ["communication.reduction=mpi"])
        #expect(result.status == 0, "\(result)")
    }
}
