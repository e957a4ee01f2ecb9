import Foundation

/// Reads the samples of a batch on several threads.
enum ReadingThreads {
    /// Threads that decode at the same time; each holds one image. More than a few per rank would take the cores from training.
    static let count = 4

    /// Calls `body` for `0..<count`, in order on this thread, or on some threads at once.
    ///
    /// - Throws: of all errors, the one of the lowest number.
    static func forEach(_ count: Int, inParallel: Bool, _ body: @Sendable (Int) throws -> Void) throws {
        guard inParallel, count > 1 else {
            for index in 0..<count { try body(index) }
            return
        }
        let threads = min(self.count, count)
        let errors = FirstError()
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for index in stride(from: thread, to: count, by: threads) where !errors.isBefore(index) {
                do { try body(index) } catch { errors.note(error, at: index) }
            }
        }
        if let error = errors.error { throw error }
    }
}

/// The error of the lowest index. Guarded by a lock, hence `@unchecked Sendable`.
private final class FirstError: @unchecked Sendable {
    private let lock = NSLock()
    private var first: (index: Int, error: any Error)?

    var error: (any Error)? { lock.withLock { first?.error } }

    func isBefore(_ index: Int) -> Bool { lock.withLock { first.map { $0.index < index } ?? false } }

    func note(_ error: any Error, at index: Int) {
        lock.withLock {
            if first.map({ index < $0.index }) ?? true { first = (index, error) }
        }
    }
}
