import Diagnostics
import MPI

struct Scenario: Sendable {
    var threadLevel = ThreadLevel.serialized
    /// Returns the exit code.
    var run: @Sendable (_ session: Session, _ arguments: [String]) throws -> Int32

    init(threadLevel: ThreadLevel = .serialized, run: @escaping @Sendable (Session, [String]) throws -> Int32) {
        self.threadLevel = threadLevel
        self.run = run
    }

    /// A scenario on the world alone, that exits with 0.
    init(_ run: @escaping @Sendable (Communicator) throws -> Void) {
        self.run = { session, _ in
            try run(session.world)
            return 0
        }
    }

    /// A scenario on the world, and again with MPI calls of at most three elements.
    static func inPieces(_ run: @escaping @Sendable (Communicator) throws -> Void) -> Scenario {
        Scenario { world in
            try run(world)
            let pieces = try world.duplicate(chunkLimit: 3)
            try run(pieces)
            try pieces.free()
        }
    }
}

func expect<T: Equatable>(_ found: T, _ expected: T, _ what: String) throws {
    guard found == expected else { throw Failure.internalError("\(what): found \(found), expected \(expected)") }
}

/// Fails unless `body` throws a `Failure` of `kind` whose message contains `text`.
func expectFailure(_ kind: Failure.Kind, containing text: String, _ body: () throws -> Void) throws {
    do {
        try body()
    } catch let failure as Failure {
        try expect(failure.kind, kind, "the kind of \(failure)")
        guard failure.message.contains(text) else {
            throw Failure.internalError("'\(failure.message)' does not contain '\(text)'")
        }
        return
    }
    throw Failure.internalError("no error, expected one that says '\(text)'")
}
