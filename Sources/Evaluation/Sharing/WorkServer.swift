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
    private var lastLook = -Double.infinity

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
            lastLook = -.infinity
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
        let now = monotonicSeconds()
        guard now - lastLook >= lookInterval else { return isStopped }
        lastLook = now
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
        for rank in present { try outbox?.send([Say.stop], to: rank, tag: WorkTag.toClient) }
    }

    /// Reads all that has arrived and answers those who wait.
    private func serve() throws {
        guard let world else { return }
        while let (values, rank) = try world.received(from: nil, tag: WorkTag.toServer) {
            switch values[0] {
            case Say.result: try receive(values, from: rank, world)
            case Say.request: try receiveRequest(rank, phase: values[1] < 0 ? nil : values[1], room: values[2], isBusy: values[3] != 0)
            case Say.stop where !isStopped: try stop()
            case Say.farewell: present.remove(rank)
            default: break
            }
        }
        waiting = try waiting.filter { rank, phase, room in
            if isStopped || progress.isFinished {
                try answer(rank, [Say.over])
            } else if let work = take(phase, orAnother: true, room: room) {
                try answer(rank, [Say.images, work.phase] + work.positions)
            } else {
                return true
            }
            return false
        }
        try outbox?.clear()
    }

    private func receive(_ head: [Int], from rank: Int, _ world: Communicator) throws {
        let bytes = try world.receive(UInt8.self, count: head[3], from: rank, tag: WorkTag.line)
        let image = head[4] > 0 ? try world.receive(Float.self, count: head[4], from: rank, tag: WorkTag.image) : nil
        let result = WorkResult(phase: head[1], position: head[2], line: try decodedJSON(LedgerLine.self, from: bytes))
        guard let image else { return try report(result, image: nil) }
        try image.withUnsafeBufferPointer { try report(result, image: $0) }
    }

    private func receiveRequest(_ rank: Int, phase: Int?, room: Int, isBusy: Bool) throws {
        if !isBusy {
            waiting.append((rank, phase, room))
        } else if !isStopped, let phase, let work = take(phase, orAnother: false, room: room) {
            try answer(rank, [Say.images, work.phase] + work.positions)
        } else {
            try answer(rank, [isStopped ? Say.over : Say.none])
        }
    }

    private func answer(_ rank: Int, _ values: [Int]) throws { try outbox?.send(values, to: rank, tag: WorkTag.toClient) }
}
