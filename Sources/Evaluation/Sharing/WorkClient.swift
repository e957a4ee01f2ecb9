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
    /// The answer to it, where it has been read already.
    private var answer: [Int]?
    /// When rank 0 last had nothing: it is not asked again at once.
    private var lastRefusal = -Double.infinity
    private var lastLook = -Double.infinity

    init(_ world: Communicator, shouldStop: @escaping () -> Bool) {
        self.world = world
        outbox = Outbox(world)
        self.shouldStop = shouldStop
    }

    func next(_ phase: Int?, room: Int, isBusy: Bool) throws -> WorkHandout {
        while true {
            if try beat() { return .over }
            if let answer {
                (self.answer, isAsking) = (nil, false)
                switch answer[0] {
                case Say.images: return .images(phase: answer[1], positions: Array(answer.dropFirst(2)))
                case Say.over: return .over
                default: lastRefusal = monotonicSeconds()
                }
            }
            if isBusy, isAsking || monotonicSeconds() - lastRefusal < 5 * lookInterval { return .none }
            if !isAsking {
                try outbox.send([Say.request, phase ?? -1, room, isBusy ? 1 : 0], to: 0, tag: WorkTag.toServer)
                isAsking = true
            }
            if isBusy { return .none }
            usleep(200)
            lastLook = -.infinity
        }
    }

    func report(_ result: WorkResult, image: UnsafeBufferPointer<Float>?) throws {
        let bytes = try jsonBytes(result.line, .line)
        let image = result.line.success ? image : nil
        try outbox.send([Say.result, result.phase, result.position, bytes.count, image?.count ?? 0], to: 0, tag: WorkTag.toServer)
        try bytes.withUnsafeBufferPointer { try world.send($0, to: 0, tag: WorkTag.line) }
        if let image { try world.send(image, to: 0, tag: WorkTag.image) }
    }

    func beat() throws -> Bool {
        if !hasAskedToStop, shouldStop() {
            hasAskedToStop = true
            try outbox.send([Say.stop], to: 0, tag: WorkTag.toServer)
        }
        let now = monotonicSeconds()
        guard now - lastLook >= lookInterval else { return isStopped }
        lastLook = now
        try look()
        return isStopped
    }

    /// Takes the last answer, and says farewell.
    func finish() throws {
        while isAsking, answer == nil {
            try look()
            usleep(200)
        }
        try outbox.send([Say.farewell], to: 0, tag: WorkTag.toServer)
        try outbox.flush()
    }

    private func look() throws {
        while let (values, _) = try world.received(from: 0, tag: WorkTag.toClient) {
            if values[0] == Say.stop { isStopped = true } else { answer = values }
        }
    }
}
