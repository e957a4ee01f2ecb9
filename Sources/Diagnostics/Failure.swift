/// An error meant for the person who started the program: what is wrong, where, and how to mend it.
///
/// Every room throws this type for anything a user can cause (a file, a flag, a recipe, a machine), so that the
/// command prints one message and leaves with a meaningful exit code instead of a trap or a stack trace.
///
/// ```swift
/// throw Failure.badData(
///     "\(path): image 17 has label 12, expected 0 to 9",
///     remedy: "check that this is CIFAR-10 and not CIFAR-100 (data.name: cifar100)")
/// ```
package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure; the raw value is the process's exit code (sysexits.h, where it has one).
    package enum Kind: Int32, Sendable {
        /// A wrong flag, recipe key or combination of settings.
        case usage = 64
        /// A file whose contents are not what they should be.
        case badData = 65
        /// A defect of this program.
        case internalError = 70
        /// Reading or writing failed: missing file, full disk, lost peer.
        case inputOutput = 74
        /// Not an error: the run was checkpointed and wants to be started again.
        case requeue = 75
    }

    package let kind: Kind
    /// What is wrong: the file or flag, the field, what was found and what was expected.
    package let message: String
    /// What the user can do about it.
    package let remedy: String?

    package init(_ kind: Kind, _ message: String, remedy: String? = nil) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }

    package static func usage(_ message: String, remedy: String? = nil) -> Failure {
        Failure(.usage, message, remedy: remedy)
    }

    package static func badData(_ message: String, remedy: String? = nil) -> Failure {
        Failure(.badData, message, remedy: remedy)
    }

    package static func inputOutput(_ message: String, remedy: String? = nil) -> Failure {
        Failure(.inputOutput, message, remedy: remedy)
    }

    package static func internalError(_ message: String) -> Failure {
        Failure(.internalError, message, remedy: "please report this, with the recipe and the command line")
    }

    package var description: String {
        guard let remedy else { return message }
        return "\(message)\n  → \(remedy)"
    }
}
