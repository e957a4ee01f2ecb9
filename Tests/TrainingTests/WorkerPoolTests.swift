import Kernels
import Synchronization
import Testing
import Training

@Suite struct WorkerPoolTests {
    /// Every item is done once, by a worker that nobody else is at the same time: a worker's memory needs no lock.
    @Test(arguments: 1...4) func everyItemIsDoneOnce(threads: Int) throws {
        let pool = WorkerPool(threads: threads)
        let done = FloatBuffer(count: 100)
        let scratch = FloatBuffer(count: threads)
        let (doneAddress, scratchAddress) = (Shared(done.pointer), Shared(scratch.pointer))
        for round in 1...20 {
            try pool.forEach(0..<100) { worker, item in
                scratchAddress.value[worker] += 1
                doneAddress.value[item] += 1
            }
            #expect(done.array.allSatisfy { $0 == Float(round) })
            #expect(scratch.array.reduce(0, +) == Float(100 * round))
        }
    }

    /// The first failure by item is the one that is told, and nothing runs on after it.
    @Test(arguments: 1...4) func theFirstErrorIsThrown(threads: Int) throws {
        struct Mistake: Error { let item: Int }
        let pool = WorkerPool(threads: threads)
        let running = Atomic(0)
        for _ in 0..<20 {
            do {
                try pool.forEach(10..<50) { _, item in
                    running.add(1, ordering: .relaxed)
                    defer { running.subtract(1, ordering: .relaxed) }
                    if item >= 10 { throw Mistake(item: item) }
                }
                Issue.record("nothing was thrown")
            } catch let mistake as Mistake {
                #expect(mistake.item == 10)
            }
            #expect(running.load(ordering: .relaxed) == 0)
        }
    }

    /// One thread beats and moves on while others look, as the watchdog does.
    @Test func aHeartbeatIsReadWhileItBeats() throws {
        let heartbeat = Heartbeat()
        try WorkerPool(threads: 3).forEach(0..<3) { _, item in
            for step in 1...1000 {
                if item == 0 {
                    heartbeat.begin(step: step)
                    heartbeat.enter(step % 2 == 0 ? .attack : .update)
                } else {
                    heartbeat.beat()
                    _ = (heartbeat.count, heartbeat.step, heartbeat.phase.text)
                }
            }
        }
        #expect(heartbeat.count == 3000 && heartbeat.step == 1000 && heartbeat.phase == .attack)
    }
}

private struct Shared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
