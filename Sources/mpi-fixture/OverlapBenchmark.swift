import Foundation
import MPI
import Training

/// How the exchange is pushed on while the step computes.
private enum Progress: String, CaseIterable {
    case onlyAtTheEnd = "only in finish"
    case betweenLayers = "polling between layers"
    case thread = "a thread that polls every 100 µs"
}

/// Steps of `layers` layers that each compute for `microseconds` and complete one bucket of `floats` values: what a
/// step takes beyond its computation, for each way of progress. Prints the least times; checks nothing.
func overlapBenchmark(_ world: Communicator, layers: Int, microseconds: Int, floats: Int, repetitions: Int) throws {
    let count = layers * floats
    let buckets = (0..<layers).reversed().map { $0 * floats..<($0 + 1) * floats }
    let reducer = GradientReducer(channel: try world.duplicate(), count: count, buckets: buckets)
    var work = [Float](repeating: 1, count: 4096)
    func compute(rounds: Int) {
        for _ in 0..<rounds { for i in work.indices { work[i] = work[i] * 0.999 + 0.001 } }
    }
    // Rounds that take one layer's time where nothing else runs.
    var rounds = 16
    while true {
        let time = ContinuousClock().measure { compute(rounds: rounds) }
        if time > .milliseconds(20) {
            rounds = max(1, Int(Double(rounds) * Double(microseconds) / (time / .microseconds(1))))
            break
        }
        rounds *= 2
    }
    rounds = try world.broadcast(rounds)

    func step(_ progress: Progress?) throws -> Double {
        try world.barrier()
        let start = ContinuousClock.now
        reducer.beginStep(microBatches: world.size)
        let poller = progress == .thread ? Poller(reducer) : nil
        for bucket in buckets.indices {
            compute(rounds: rounds)
            guard progress != nil else { continue }
            for i in reducer.owned {
                _ = reducer.arena(forMicroBatch: i)
                reducer.completed(microBatch: i, bucket: bucket)
            }
            if progress == .betweenLayers { try reducer.progress() }
        }
        poller?.stop()
        if progress == nil {
            for bucket in buckets.indices {
                for i in reducer.owned {
                    _ = reducer.arena(forMicroBatch: i)
                    reducer.completed(microBatch: i, bucket: bucket)
                }
            }
        }
        let computed = ContinuousClock.now
        _ = try reducer.finish()
        return try world.allreduce(((progress == nil ? computed : .now) - start) / .milliseconds(1), .max)
    }
    var times: [[Double]] = Array(repeating: [], count: Progress.allCases.count + 1)
    for repetition in 0...repetitions {
        for (i, progress) in ([nil] + Progress.allCases).enumerated() {
            let time = try step(progress)
            if repetition > 0 { times[i].append(time) }
        }
    }
    try reducer.close()
    guard world.rank == 0 else { return }
    // The least time is the one that other programs disturbed least.
    let best = times.map { $0.min()! }
    print(String(format: "computation alone: %.2f ms", best[0]))
    for (i, progress) in Progress.allCases.enumerated() {
        print(String(format: "%@: %.2f ms, exposed %.2f ms", progress.rawValue, best[i + 1], best[i + 1] - best[0]))
    }
}

/// A thread that calls `progress()`; no other may call MPI meanwhile.
private final class Poller: @unchecked Sendable {
    private let lock = NSLock()
    private var stopped = false
    private let ended = DispatchSemaphore(value: 0)

    init(_ reducer: GradientReducer) {
        Thread.detachNewThread { [self] in
            while !lock.withLock({ stopped }) {
                try? reducer.progress()
                usleep(100)
            }
            ended.signal()
        }
    }

    func stop() {
        lock.withLock { stopped = true }
        ended.wait()
    }
}
