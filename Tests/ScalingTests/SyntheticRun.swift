import Scaling

/// A measurement that follows the model exactly: computation of `perMicroBatch` seconds, a network of known figures.
func syntheticRun(
    ranks: [Int] = [1, 2, 4], perMicroBatch: Double = 0.1, link: Link = Link(latency: 20e-6, bandwidth: 1e9), spread: Double = 0,
    gradientBytes: Int = 40_000_000, cores: Int = 4
) -> ScaleRun {
    let (batch, rankBatch, microBatch, optimizer) = (64, 32, 16, 0.01)
    let model = ReductionModel(within: link, between: link, ranksPerHost: 1024)
    var points: [ScalePoint] = []
    for count in ranks {
        for scaling in ScalePoint.Scaling.allCases {
            let own = scaling == .strong ? batch / count : rankBatch
            let compute = perMicroBatch * Double(own / microBatch) + optimizer
            // Gradients become ready over a third of a micro-batch's computation.
            let exposed = OverlapModel(bucketBytes: 4e6).exposed(
                bytes: Double(gradientBytes), ranks: count, backward: perMicroBatch / 3, model: model)
            let step =
                compute + exposed.latency + exposed.transfer
                + (compute - optimizer) * spread * Statistics.expectedMaximum(of: count)
            points.append(
                ScalePoint(
                    scaling: scaling, ranks: count, threads: 1, rankBatch: own, isOversubscribed: count > cores,
                    steps: [step, step, step], compute: compute, backward: (compute - optimizer) / 3, optimizer: optimizer,
                    exposedCommunication: exposed.latency + exposed.transfer, hiddenCommunication: 0, imbalance: 0, spread: spread))
        }
    }
    let reductions = ranks.filter { $0 > 1 }.flatMap { count in
        [4096, 1 << 20, 16 << 20].map { bytes in
            let cost = model.cost(bytes: Double(bytes), ranks: count)
            return AllreducePoint(ranks: count, bytes: bytes, reproducible: cost.latency + cost.transfer, mpi: 1)
        }
    }
    return ScaleRun(
        host: "test", cpu: "test", cores: cores,
        work: .init(
            model: "resnet18", width: 16, stem: "cifar", inputSize: 32, classes: 10, pgdSteps: 10, microBatch: microBatch,
            globalBatch: batch, rankBatch: rankBatch),
        gradientBytes: gradientBytes, points: points, allreduce: reductions)
}

func near(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * abs(b) }
