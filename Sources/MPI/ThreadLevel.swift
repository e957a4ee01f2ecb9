internal import COpenMPI

/// How threads may call MPI (MPI-3.1 §12.4.3).
public enum ThreadLevel: Int, Sendable, Comparable, CustomStringConvertible {
    /// The process has one thread.
    case single
    /// Only the thread that opened the session calls MPI.
    case funneled
    /// Any thread may call MPI, one at a time.
    case serialized
    /// Any thread may call MPI at any time.
    case multiple

    public static func < (a: ThreadLevel, b: ThreadLevel) -> Bool { a.rawValue < b.rawValue }

    var raw: Int32 {
        switch self {
        case .single: Int32(MPI_THREAD_SINGLE)
        case .funneled: Int32(MPI_THREAD_FUNNELED)
        case .serialized: Int32(MPI_THREAD_SERIALIZED)
        case .multiple: Int32(MPI_THREAD_MULTIPLE)
        }
    }

    init(raw: Int32) {
        self = [.multiple, .serialized, .funneled].first { raw >= $0.raw } ?? .single
    }

    /// The name the standard and `ompi_info` use.
    public var description: String {
        switch self {
        case .single: "MPI_THREAD_SINGLE"
        case .funneled: "MPI_THREAD_FUNNELED"
        case .serialized: "MPI_THREAD_SERIALIZED"
        case .multiple: "MPI_THREAD_MULTIPLE"
        }
    }
}
