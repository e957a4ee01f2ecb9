import Foundation

/// Prepares items on a thread of its own, ahead of the one who uses them, in memory that is used again and again.
///
/// A fixed set of items circulates: free → being filled → ready → with the consumer → free. The thread sleeps on a
/// condition variable whenever there is nothing free to fill or nothing to fill it for; the consumer sleeps when
/// nothing is ready. With n items, up to n − 1 are prepared ahead. To be used by one consumer thread.
package final class Prefetcher<Item: AnyObject & Sendable>: Sendable {
    package typealias Fill = @Sendable (_ item: Item, _ epoch: Int, _ step: Int) throws -> Void

    private let queue: PrefetchQueue<Item>

    /// - Parameters:
    ///   - items: the memory to use, at least two.
    ///   - fill: prepares an item for a step; called on the background thread, one step after the other.
    package init(items: [Item], name: String, fill: @escaping Fill) {
        precondition(items.count >= 2, "prefetching takes at least two items")
        let queue = PrefetchQueue(items: items)
        self.queue = queue
        let thread = Thread { queue.work(fill) }
        thread.name = name
        thread.start()
    }

    /// Waits for the step being filled to end, and ends the thread.
    deinit { queue.shutDown() }

    /// Begins with `steps` of `epoch`; whatever was under way is given up, and the last item taken back.
    package func start(epoch: Int, steps: Range<Int>) { queue.start(epoch: epoch, steps: steps) }

    /// The next step's item, or nil after the last. The item before it is taken back to be filled again.
    ///
    /// - Throws: what filling this step threw; after that there are no more steps until `start`.
    package func next() throws -> Item? { try queue.next() }
}

/// What the consumer and the thread share; every property is guarded by `condition`, hence `@unchecked Sendable`.
private final class PrefetchQueue<Item: AnyObject & Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var free: [Item]
    private var ready: [Item] = []
    private var lent: Item?
    private var epoch = 0
    /// Steps that are not yet begun.
    private var pending = 0..<0
    private var isFilling = false
    /// Counts the calls of `start`: what was begun before the last one is stale.
    private var generation = 0
    private var error: (any Error)?
    private var isStopping = false
    private var hasStopped = false

    init(items: [Item]) {
        free = items
        ready.reserveCapacity(items.count)
    }

    func start(epoch: Int, steps: Range<Int>) {
        condition.lock()
        defer { condition.unlock() }
        generation += 1
        free.append(contentsOf: ready)
        ready.removeAll(keepingCapacity: true)
        takeBack()
        self.epoch = epoch
        pending = steps
        error = nil
        condition.broadcast()
    }

    func next() throws -> Item? {
        condition.lock()
        defer { condition.unlock() }
        takeBack()
        while true {
            if !ready.isEmpty {
                lent = ready.removeFirst()
                return lent
            }
            if let error {
                pending = 0..<0
                self.error = nil
                throw error
            }
            if pending.isEmpty && !isFilling { return nil }
            condition.wait()
        }
    }

    func shutDown() {
        condition.lock()
        defer { condition.unlock() }
        isStopping = true
        condition.broadcast()
        while !hasStopped { condition.wait() }
    }

    /// The life of the background thread.
    func work(_ fill: Prefetcher<Item>.Fill) {
        condition.lock()
        while !isStopping {
            guard let step = pending.first, error == nil, let item = free.popLast() else {
                condition.wait()
                continue
            }
            pending = pending.dropFirst()
            let (epoch, begun) = (epoch, generation)
            isFilling = true
            condition.unlock()
            let failure = run { try fill(item, epoch, step) }
            condition.lock()
            isFilling = false
            if begun != generation {
                free.append(item)
            } else if let failure {
                free.append(item)
                error = failure
            } else {
                ready.append(item)
            }
            condition.broadcast()
        }
        hasStopped = true
        condition.broadcast()
        condition.unlock()
    }

    private func takeBack() {
        guard let lent else { return }
        free.append(lent)
        self.lent = nil
        condition.broadcast()
    }

    private func run(_ body: () throws -> Void) -> (any Error)? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
