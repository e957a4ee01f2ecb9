import Diagnostics

/// The collectives for single values, arrays and strings. All are collective; they allocate what they return.
extension Communicator {
    /// `value` of rank `root`, on all ranks.
    public func broadcast<T: MPIType>(_ value: T, root: Int = 0) throws -> T {
        var value = value
        try withUnsafeMutablePointer(to: &value) { try broadcast(UnsafeMutableBufferPointer(start: $0, count: 1), root: root) }
        return value
    }

    /// Overwrites `array` with that of `root`, which must have the same count.
    public func broadcast<T: MPIType>(_ array: inout [T], root: Int = 0) throws {
        try array.withUnsafeMutableBufferPointer { try broadcast($0, root: root) }
    }

    /// `text` of rank `root`, on all ranks, whatever they pass.
    public func broadcast(_ text: String, root: Int = 0) throws -> String {
        var bytes = rank == root ? Array(text.utf8) : []
        let count = try broadcast(bytes.count, root: root)
        if rank != root { bytes = Array(repeating: 0, count: count) }
        try broadcast(&bytes, root: root)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `value` reduced over the ranks.
    public func allreduce<T: MPIType>(_ value: T, _ operation: Reduction) throws -> T {
        var value = value
        try withUnsafeMutablePointer(to: &value) {
            try allreduce(inPlace: UnsafeMutableBufferPointer(start: $0, count: 1), operation)
        }
        return value
    }

    /// `array` reduced elementwise over the ranks, in place.
    public func allreduce<T: MPIType>(_ array: inout [T], _ operation: Reduction) throws {
        try array.withUnsafeMutableBufferPointer { try allreduce(inPlace: $0, operation) }
    }

    /// Whether `condition` holds on all ranks.
    public func all(_ condition: Bool) throws -> Bool {
        try allreduce(Int32(condition ? 1 : 0), .logicalAnd) != 0
    }

    /// Whether `condition` holds on any rank.
    public func any(_ condition: Bool) throws -> Bool {
        try allreduce(Int32(condition ? 1 : 0), .logicalOr) != 0
    }

    /// The values of all ranks, on all ranks.
    public func allgather<T: MPIType>(_ value: T) throws -> [T] {
        try withUnsafePointer(to: value) { source in
            try array(count: size) { try allgather(UnsafeBufferPointer(start: source, count: 1), into: $0) }
        }
    }

    /// The arrays of all ranks, which may differ in count, on all ranks, one after the other.
    public func allgather<T: MPIType>(_ values: [T]) throws -> [T] {
        let counts = try allgather(values.count)
        return try values.withUnsafeBufferPointer { source in
            try array(count: counts.reduce(0, +)) { try allgather(source, into: $0, counts: counts) }
        }
    }

    /// The arrays of all ranks, which may differ in count, on `root`; nil elsewhere.
    public func gather<T: MPIType>(_ values: [T], root: Int = 0) throws -> [[T]]? {
        let counts = try allgather(values.count)
        return try values.withUnsafeBufferPointer { source -> [[T]]? in
            guard rank == root else {
                try gather(source, into: nil, counts: counts, root: root)
                return nil
            }
            let whole: [T] = try array(count: counts.reduce(0, +)) { try gather(source, into: $0, counts: counts, root: root) }
            var start = 0
            return counts.map { count in
                defer { start += count }
                return Array(whole[start..<start + count])
            }
        }
    }

    /// The texts of all ranks on `root`; nil elsewhere.
    public func gather(_ text: String, root: Int = 0) throws -> [String]? {
        try gather(Array(text.utf8), root: root)?.map { String(decoding: $0, as: UTF8.self) }
    }

    /// An array that `fill` writes completely.
    private func array<T: MPIType>(
        count: Int, _ fill: (UnsafeMutableBufferPointer<T>) throws -> Void
    ) throws -> [T] {
        try Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            try fill(UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count))
            initialized = count
        }
    }
}
