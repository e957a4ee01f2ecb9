import Diagnostics
import Foundation
import MPI

/// Memory for messages whose owner tells when it is freed.
private final class Block {
    let buffer: UnsafeMutableBufferPointer<Int32>
    private let onDeinit: () -> Void

    init(_ values: [Int32], onDeinit: @escaping () -> Void = {}) {
        buffer = .allocate(capacity: values.count)
        _ = buffer.initialize(from: values)
        self.onDeinit = onDeinit
    }

    deinit {
        buffer.deallocate()
        onDeinit()
    }
}

private func message(from rank: Int, count: Int = 7) -> [Int32] { (0..<count).map { Int32(100 * rank + $0) } }

let messageScenarios: [String: Scenario] = [
    // Around a ring, blocking: even ranks send first.
    "send-receive": .inPieces { world in
        let next = (world.rank + 1) % world.size
        let previous = (world.rank + world.size - 1) % world.size
        guard next != world.rank else { return }
        let outgoing = message(from: world.rank)
        var incoming = [Int32](repeating: -1, count: 7)
        func send() throws { try outgoing.withUnsafeBufferPointer { try world.send($0, to: next, tag: 5) } }
        func receive() throws {
            try incoming.withUnsafeMutableBufferPointer { try world.receive(into: $0, from: previous, tag: 5) }
        }
        if world.rank % 2 == 0 {
            try send()
            try receive()
        } else {
            try receive()
            try send()
        }
        try expect(incoming, message(from: previous), "what the previous rank sent")
    },

    // Every rank to every rank, itself included.
    "nonblocking": .inPieces { world in
        var requests: [Request] = []
        let inbox = (0..<world.size).map { _ in Block(Array(repeating: -1, count: 7)) }
        for peer in 0..<world.size {
            requests.append(try world.ireceive(into: inbox[peer].buffer, from: peer, tag: 1, keeping: inbox[peer]))
        }
        for peer in 0..<world.size {
            // Only the request keeps this block.
            let block = Block(message(from: world.rank))
            requests.append(try world.isend(UnsafeBufferPointer(block.buffer), to: peer, tag: 1, keeping: block))
        }
        try Request.waitAll(requests)
        try expect(requests.allSatisfy(\.isComplete), true, "all requests complete")
        for peer in 0..<world.size { try expect(Array(inbox[peer].buffer), message(from: peer), "message from \(peer)") }

        let sum = Block(message(from: world.rank))
        let reduction = try world.iallreduce(inPlace: sum.buffer, .sum, keeping: sum)
        while try !reduction.test() {}
        let ranks = Int32(world.size * (world.size - 1) / 2)
        try expect(Array(sum.buffer), (0..<7).map { 100 * ranks + Int32(world.size * $0) }, "iallreduce")
        try world.ibarrier().wait()
    },

    // A request keeps its owner until it is complete, and no longer.
    "request-owner": Scenario { world in
        var freed = false
        var requests: [Request] = []
        do {
            let inbox = Block([-1], onDeinit: { freed = true })
            requests.append(try world.ireceive(into: inbox.buffer, from: world.rank, tag: 2, keeping: inbox))
        }
        try expect(freed, false, "the buffer of a pending receive is freed")
        try expect(try requests[0].test(), false, "a receive without a message is complete")
        try [Int32(1)].withUnsafeBufferPointer { try world.send($0, to: world.rank, tag: 2) }
        try requests[0].wait()
        try expect(freed, true, "the buffer of a complete receive is freed")
        try expect(try Request.testAll(requests), true, "a complete receive is complete")
    },

    // The session's end reports it.
    "request-dropped": Scenario { world in
        let inbox = Block([-1])
        _ = try world.ireceive(into: inbox.buffer, from: world.rank, tag: 2, keeping: inbox)
    },

    // Messages shorter and longer than expected, to and from nobody.
    "message-length": Scenario { world in
        var three = [Int32](repeating: 0, count: 3)
        let two: [Int32] = [1, 2]
        let inbox = Block([0, 0, 0])
        let request = try world.ireceive(into: inbox.buffer, from: world.rank, tag: 3, keeping: inbox)
        try two.withUnsafeBufferPointer { try world.send($0, to: world.rank, tag: 3) }
        try expectFailure(.internalError, containing: "from rank \(world.rank) with tag 3 holds 2 values, expected 3") {
            try request.wait()
        }
        // Open MPI says nothing of too long a message from a rank to itself.
        if world.size > 1 {
            let small = Block([0])
            let previous = (world.rank + world.size - 1) % world.size
            let truncated = try world.ireceive(into: small.buffer, from: previous, tag: 4, keeping: small)
            try two.withUnsafeBufferPointer { try world.send($0, to: (world.rank + 1) % world.size, tag: 4) }
            try expectFailure(.internalError, containing: "MPI_ERR_TRUNCATE") { try truncated.wait() }
        }
        try three.withUnsafeMutableBufferPointer { buffer in
            try expectFailure(.internalError, containing: "rank \(world.size)") {
                try world.receive(into: buffer, from: world.size)
            }
            try expectFailure(.internalError, containing: "tag 40000") {
                try world.receive(into: buffer, from: 0, tag: 40_000)
            }
        }
    },

    "probe": Scenario { world in
        guard world.size > 1 else { return }
        if world.rank == 0 {
            for _ in 1..<world.size {
                let status = try world.probe(from: nil, tag: 9)
                var values = [Int32](repeating: 0, count: try status.count(of: Int32.self))
                try values.withUnsafeMutableBufferPointer { try world.receive(into: $0, from: status.source, tag: 9) }
                try expect(values, message(from: status.source, count: status.source), "message of unknown length")
            }
        } else {
            try message(from: world.rank, count: world.rank).withUnsafeBufferPointer { try world.send($0, to: 0, tag: 9) }
        }
        try world.barrier()
        try expect(try world.probeNow(from: nil, tag: 9) == nil, true, "no message is left")
    },

    // Several threads exchange at once, each with tags of its own.
    "threads": Scenario(threadLevel: .multiple) { session, _ in
        let world = session.world
        let next = (world.rank + 1) % world.size
        let previous = (world.rank + world.size - 1) % world.size
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            do {
                for round in 0..<50 {
                    let inbox = Block(Array(repeating: -1, count: 7))
                    let outbox = Block(message(from: world.rank + 10 * thread + 1000 * round))
                    let receive = try world.ireceive(into: inbox.buffer, from: previous, tag: thread, keeping: inbox)
                    let send = try world.isend(UnsafeBufferPointer(outbox.buffer), to: next, tag: thread, keeping: outbox)
                    try Request.waitAll([receive, send])
                    try expect(Array(inbox.buffer), message(from: previous + 10 * thread + 1000 * round), "thread \(thread)")
                }
            } catch {
                failures.add(error)
            }
        }
        if let first = failures.first { throw first }
        return 0
    },
]

private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var errors: [any Error] = []

    func add(_ error: any Error) { lock.withLock { errors.append(error) } }
    var first: (any Error)? { lock.withLock { errors.first } }
}
