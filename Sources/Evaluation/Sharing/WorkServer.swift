import Diagnostics
import Foundation
import MPI

/// The list of what is to be done, on rank 0.
final class WorkServer: WorkSource {
    private(set) var progress: EvaluationProgress
    private(set) var isStopped = false
    private let sink: any LedgerSink
    /// Nil for one rank alone.
    private let world: Communicator?
    private let outbox: Outbox?
    private let shouldStop: () -> Bool
    private let show: (EvaluationProgress, _ phase: Int) throws -> Void
    /// Ranks that wait for work of any phase, with their room.
    private var waiting: [(rank: Int, phase: Int?, room: Int)] = []
    private var present: Set<Int>
    private var lastSynchronized = monotonicSeconds()

    /// - Parameters:
    ///   - show: called after each result with the phase that it was of.
    init(
        _ progress: EvaluationProgress, sink: any LedgerSink, world: Communicator?, shouldStop: @escaping () -> Bool,
        show: @escaping (EvaluationProgress, _ phase: Int) throws -> Void
    ) {
        self.progress = progress
        self.sink = sink
        self.world = world.flatMap { $0.size > 1 ? $0 : nil }
        outbox = self.world.map { Outbox($0) }
        self.shouldStop = shouldStop
        self.show = show
        present = Set(1..<max(1, world?.size ?? 1))
    }

    func next(_ phase: Int?, room: Int, isBusy: Bool) throws -> WorkHandout {
        while true {
            if try beat() { return .over }
            if let work = take(phase, orAnother: !isBusy, room: room) { return .images(phase: work.phase, positions: work.positions) }
            if isBusy { return .none }
            if progress.isFinished { return .over }
            usleep(200)
        }
    }

    func report(_ result: WorkResult, image: UnsafeBufferPointer<Float>?) throws {
        try sink.append(result.line, phase: result.phase, position: result.position, image: result.line.success ? image : nil)
        progress.finish(result.phase, result.position, result.line)
        if monotonicSeconds() - lastSynchronized > 2 {
            try sink.synchronize()
            lastSynchronized = monotonicSeconds()
        }
        try show(progress, result.phase)
    }

    func beat() throws -> Bool {
        if !isStopped, shouldStop() { try stop() }
        try serve()
        return isStopped
    }

    /// After the own work is over: takes what others still have, until all have said farewell.
    func finish() throws {
        while true {
            try serve()
            if present.isEmpty { break }
            usleep(200)
        }
        try outbox?.flush()
        try sink.synchronize()
    }

    /// Few at a time towards the end, so that nobody is left with many.
    private func take(_ phase: Int?, orAnother: Bool, room: Int) -> (phase: Int, positions: [Int])? {
        func limit(_ phase: Int) -> Int {
            let ranks = present.count + 1
            return ranks == 1 ? room : min(room, max(1, progress.readyCount(phase) / (2 * ranks)))
        }
        if let phase, progress.readyCount(phase) > 0 { return progress.take(phase, orAnother: false, limit: limit(phase)) }
        guard orAnother, let first = progress.plan.phases.indices.first(where: { progress.readyCount($0) > 0 }) else { return nil }
        return progress.take(first, orAnother: false, limit: limit(first))
    }

    private func stop() throws {
        isStopped = true
        for rank in present { try outbox?.send([0], to: rank, tag: WorkTag.stop) }
    }

    /// Reads all that has arrived and answers those who wait.
    private func serve() throws {
        guard let world else { return }
        while let message = try world.received(from: nil, tag: WorkTag.result) {
            let (head, rank) = (message.values, message.source)
            let bytes = try world.receive(UInt8.self, count: head[2], from: rank, tag: WorkTag.line)
            let image = head[3] > 0 ? try world.receive(Float.self, count: head[3], from: rank, tag: WorkTag.image) : nil
            let result = WorkResult(phase: head[0], position: head[1], line: try decodedJSON(LedgerLine.self, from: bytes))
            if let image { try image.withUnsafeBufferPointer { try report(result, image: $0) } } else { try report(result, image: nil) }
        }
        if try world.received(from: nil, tag: WorkTag.stop) != nil, !isStopped { try stop() }
        while let message = try world.received(from: nil, tag: WorkTag.request) {
            let (phase, room) = (message.values[0] < 0 ? nil : Optional(message.values[0]), message.values[1])
            if message.values[2] == 0 {
                waiting.append((message.source, phase, room))
            } else if !isStopped, let phase, let work = take(phase, orAnother: false, room: room) {
                try answer(message.source, [work.phase] + work.positions)
            } else {
                try answer(message.source, [isStopped ? -2 : -1])
            }
        }
        while let message = try world.received(from: nil, tag: WorkTag.farewell) { present.remove(message.source) }
        waiting = try waiting.filter { rank, phase, room in
            if isStopped || progress.isFinished {
                try answer(rank, [-2])
            } else if let work = take(phase, orAnother: true, room: room) {
                try answer(rank, [work.phase] + work.positions)
            } else {
                return true
            }
            return false
        }
        try outbox?.clear()
    }

    private func answer(_ rank: Int, _ values: [Int]) throws { try outbox?.send(values, to: rank, tag: WorkTag.answer) }
}
