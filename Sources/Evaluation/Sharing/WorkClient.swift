import Diagnostics
import Foundation
import MPI

/// A rank that asks rank 0 for work.
final class WorkClient: WorkSource {
    private let world: Communicator
    private let outbox: Outbox
    private let shouldStop: () -> Bool
    private var isStopped = false
    private var hasAskedToStop = false
    /// Whether a request has not been answered.
    private var isAsking = false
    /// When rank 0 last had nothing: it is not asked again at once.
    private var lastRefusal = -Double.infinity

    init(_ world: Communicator, shouldStop: @escaping () -> Bool) {
        self.world = world
        outbox = Outbox(world)
        self.shouldStop = shouldStop
    }

    func next(_ phase: Int?, room: Int, isBusy: Bool) throws -> WorkHandout {
        while true {
            if try beat() { return .over }
            if isAsking {
                guard let message = try world.received(from: 0, tag: WorkTag.answer) else {
                    if isBusy { return .none }
                    usleep(100)
                    continue
                }
                isAsking = false
                switch message.values[0] {
                case -1:
                    lastRefusal = monotonicSeconds()
                    if isBusy { return .none }
                    continue
                case -2: return .over
                default: return .images(phase: message.values[0], positions: Array(message.values.dropFirst()))
                }
            }
            if isBusy, monotonicSeconds() - lastRefusal < 0.05 { return .none }
            try outbox.send([phase ?? -1, room, isBusy ? 1 : 0], to: 0, tag: WorkTag.request)
            isAsking = true
            if isBusy { return .none }
        }
    }

    func report(_ result: WorkResult, image: UnsafeBufferPointer<Float>?) throws {
        let bytes = try jsonBytes(result.line, .line)
        let image = result.line.success ? image : nil
        try outbox.send([result.phase, result.position, bytes.count, image?.count ?? 0], to: 0, tag: WorkTag.result)
        try bytes.withUnsafeBufferPointer { try world.send($0, to: 0, tag: WorkTag.line) }
        if let image { try world.send(image, to: 0, tag: WorkTag.image) }
    }

    func beat() throws -> Bool {
        if !hasAskedToStop, shouldStop() {
            hasAskedToStop = true
            try outbox.send([0], to: 0, tag: WorkTag.stop)
        }
        if try world.received(from: 0, tag: WorkTag.stop) != nil { isStopped = true }
        return isStopped
    }

    /// Takes the last answer, and says farewell.
    func finish() throws {
        while isAsking {
            if try world.received(from: 0, tag: WorkTag.answer) != nil { isAsking = false } else { usleep(100) }
        }
        try outbox.send([0], to: 0, tag: WorkTag.farewell)
        try outbox.flush()
    }
}
