internal import COpenMPI

/// An element that MPI can send and reduce (MPI-3.1 §3.2.2). Buffers are typed, so bytes are never passed as counts.
///
/// - Note: `UInt16` carries bits (bfloat16, for example): reductions on it are integer reductions.
public protocol MPIType: BitwiseCopyable, Sendable {
    static var datatype: Datatype { get }
}

/// A handle on an MPI datatype.
public struct Datatype {
    let raw: MPI_Datatype
}

extension Float: MPIType { public static var datatype: Datatype { Datatype(raw: shim_float()) } }
extension Double: MPIType { public static var datatype: Datatype { Datatype(raw: shim_double()) } }
extension Int32: MPIType { public static var datatype: Datatype { Datatype(raw: shim_int32()) } }
extension Int64: MPIType { public static var datatype: Datatype { Datatype(raw: shim_int64()) } }
extension Int: MPIType { public static var datatype: Datatype { Datatype(raw: shim_int64()) } }
extension UInt8: MPIType { public static var datatype: Datatype { Datatype(raw: shim_uint8()) } }
extension UInt16: MPIType { public static var datatype: Datatype { Datatype(raw: shim_uint16()) } }
extension UInt64: MPIType { public static var datatype: Datatype { Datatype(raw: shim_uint64()) } }

/// A predefined reduction (MPI-3.1 §5.9.2). The logical ones are for integers, where 0 is false.
public enum Reduction: Sendable {
    case sum, min, max, logicalAnd, logicalOr

    var raw: MPI_Op {
        switch self {
        case .sum: shim_sum()
        case .min: shim_min()
        case .max: shim_max()
        case .logicalAnd: shim_land()
        case .logicalOr: shim_lor()
        }
    }
}
