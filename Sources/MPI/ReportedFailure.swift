import Diagnostics

/// An error whose message has already been written to standard error; what is left is to exit.
public struct ReportedFailure: Error, Sendable, Hashable {
    public let exitCode: Int32

    /// For an error that another rank reports.
    init(_ error: any Error) {
        exitCode = (error as? Failure)?.kind.rawValue ?? Failure.Kind.internalError.rawValue
    }

    /// Writes `error` to standard error in one piece, so that messages of several ranks do not mix.
    init(reporting error: any Error, prefix: String) {
        Output.complain("\(prefix.isEmpty ? "error: " : prefix)\(error)")
        self.init(error)
    }
}

/// A failure that all ranks of a communicator know of, so that all of them can leave in good order.
struct AgreedFailure {
    let failure: Failure
    let communicatorSize: Int
    /// The lowest rank, in the communicator that agreed, on which it happened, and its host.
    let rank: Int
    let host: String
}
