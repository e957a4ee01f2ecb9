internal import COpenMPI
import Diagnostics

/// The one place where MPI return codes become errors (MPI-3.1 §8.3–8.4).
///
/// - Parameter call: the C function that returned `code`, for the message.
/// - Throws: `Failure` with MPI's own text. Codes that only a mistake of this program can cause are `internalError`;
///   all others (a lost peer, a full table, a network that failed) are `inputOutput`.
func check(_ code: Int32, _ call: StaticString) throws {
    guard code != MPI_SUCCESS else { return }
    let text = "\(call) failed: \(errorText(code))"
    var errorClass: Int32 = 0
    MPI_Error_class(code, &errorClass)
    switch errorClass {
    case MPI_ERR_BUFFER, MPI_ERR_COUNT, MPI_ERR_TYPE, MPI_ERR_TAG, MPI_ERR_COMM, MPI_ERR_RANK, MPI_ERR_REQUEST,
        MPI_ERR_ROOT, MPI_ERR_GROUP, MPI_ERR_OP, MPI_ERR_ARG, MPI_ERR_TRUNCATE:
        throw Failure.internalError(text)
    default:
        throw Failure.inputOutput(
            text,
            remedy: "look above for a message of another rank or of mpirun; if there is none, check the network between the hosts")
    }
}

/// `int MPI_Error_string(int errorcode, char *string, int *resultlen)`, MPI-3.1 §8.4.
private func errorText(_ code: Int32) -> String {
    let text = string(capacity: Int(MPI_MAX_ERROR_STRING)) { MPI_Error_string(code, $0, $1) }
    return text.isEmpty ? "error \(code)" : text
}

/// A string that a C function writes into a buffer of `capacity` bytes, with its length.
func string(capacity: Int, _ write: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity + 1) { buffer in
        buffer.initialize(repeating: 0)
        var length: Int32 = 0
        guard write(buffer.baseAddress!, &length) == MPI_SUCCESS else { return "" }
        return String(cString: buffer.baseAddress!)
    }
}

/// Counts are checked before the call, so that a wrong one is an error and not an overrun.
func require(_ found: Int, equals expected: Int, _ what: @autoclosure () -> String) throws {
    guard found == expected else {
        throw Failure.internalError("\(what()) holds \(found) values, expected \(expected)")
    }
}
