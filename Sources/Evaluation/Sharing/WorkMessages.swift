import Diagnostics
import MPI

/// The messages between rank 0, which keeps the list, and the others. Whole numbers, the first saying what it is.
///
/// One tag in each direction: a look at whether anything has arrived can cost a turn of the processor, where there are more
/// processes than cores.
enum WorkTag {
    static let toServer = 101
    static let toClient = 102
    /// After `Say.result`: the line's bytes, and the values of the image if it has any.
    static let line = 103
    static let image = 104
}

enum Say {
    /// To rank 0: phase (−1 for none), room, whether it is busy.
    static let request = 0
    /// To rank 0: phase, position, bytes of the line, values of the image; the two follow under their own tags.
    static let result = 1
    /// To rank 0: a rank was asked to stop. From rank 0: the evaluation stops.
    static let stop = 2
    /// To rank 0: the rank has nothing more to say.
    static let farewell = 3
    /// From rank 0: phase, then positions.
    static let images = 4
    /// From rank 0: none of this phase now.
    static let none = 5
    /// From rank 0: all is done.
    static let over = 6
}

/// How often a working rank looks at its messages, in seconds.
let lookInterval = 0.01

/// Small messages that are on their way: the buffers live until they have arrived.
final class Outbox {
    private final class Buffer {
        let values: UnsafeMutableBufferPointer<Int>

        init(_ values: [Int]) {
            self.values = .allocate(capacity: values.count)
            _ = self.values.initialize(from: values)
        }

        deinit { values.deallocate() }
    }

    private let world: Communicator
    private var requests: [Request] = []

    init(_ world: Communicator) { self.world = world }

    func send(_ values: [Int], to rank: Int, tag: Int) throws {
        try clear()
        let buffer = Buffer(values)
        requests.append(try world.isend(UnsafeBufferPointer(buffer.values), to: rank, tag: tag, keeping: buffer))
    }

    /// Forgets what has arrived.
    func clear() throws { requests = try requests.filter { try !$0.test() } }

    /// Waits until all has arrived.
    func flush() throws {
        try Request.waitAll(requests)
        requests = []
    }
}

extension Communicator {
    /// A message of whole numbers that has arrived; nil if none has.
    func received(from source: Int?, tag: Int) throws -> (values: [Int], source: Int)? {
        guard let status = try probeNow(from: source, tag: tag) else { return nil }
        return (try receive(Int.self, count: status.count(of: Int.self), from: status.source, tag: tag), status.source)
    }

    /// The next message of this sender, of `count` elements.
    func receive<T: MPIType>(_ type: T.Type, count: Int, from source: Int, tag: Int) throws -> [T] {
        try Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            try receive(into: UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count), from: source, tag: tag)
            initialized = count
        }
    }
}
