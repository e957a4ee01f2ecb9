import Dispatch
import Synchronization

/// The threads of one rank: each takes the next piece of work until none is left.
///
/// With one thread, work runs where it was asked for. Results must not depend on which worker does what; a worker's
/// number only selects the memory it works in.
package final class WorkerPool: Sendable {
    package let count: Int

    package init(threads: Int) {
        precondition(threads >= 1)
        count = threads
    }

    /// Runs `body(worker, item)` for every item. The first error, by item, is thrown after all workers have stopped.
    package func forEach(_ items: Range<Int>, _ body: @Sendable (_ worker: Int, _ item: Int) throws -> Void) throws {
        guard count > 1, items.count > 1 else {
            for item in items { try body(0, item) }
            return
        }
        let next = Atomic(items.lowerBound)
        let failure = Mutex<(item: Int, error: any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: min(count, items.count)) { worker in
            while true {
                let item = next.add(1, ordering: .relaxed).oldValue
                guard item < items.upperBound else { return }
                do {
                    try body(worker, item)
                } catch {
                    failure.withLock { if item < $0?.item ?? .max { $0 = (item, error) } }
                    next.store(items.upperBound, ordering: .relaxed)
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }
}
