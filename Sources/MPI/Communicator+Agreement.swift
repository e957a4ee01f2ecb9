import Diagnostics

extension Communicator {
    /// Runs `body` on every rank and agrees on how it went. Collective.
    ///
    /// If it throws anywhere, it throws everywhere, the failure of the lowest rank that has one; nobody is left waiting,
    /// and if nobody catches it the session ends in good order with one message instead of an abort. For what may
    /// fail on some ranks or all: reading the recipe, opening files, creating the run's directory.
    ///
    /// On a part of the world it ends the job like any other error, since the rest knows nothing of it.
    ///
    /// `body` must not communicate over more than it can finish when another rank's has thrown. Costs one allreduce of
    /// an integer.
    public func agreeing<R>(_ body: () throws -> R) throws -> R {
        let outcome = Result { try body() }
        var failed = size
        if case .failure = outcome { failed = rank }
        let culprit = try allreduce(failed, .min)
        guard culprit < size else { return try outcome.get() }

        var failure = Failure.internalError("")
        if case .failure(let error) = outcome { failure = error as? Failure ?? Failure(.internalError, "\(error)") }
        let kind = try broadcast(failure.kind.rawValue, root: culprit)
        let message = try broadcast(failure.message, root: culprit)
        let hasRemedy = try broadcast(Int32(failure.remedy == nil ? 0 : 1), root: culprit) != 0
        let remedy = try broadcast(failure.remedy ?? "", root: culprit)
        let host = try broadcast(Host.name, root: culprit)
        let agreed = Failure(Failure.Kind(rawValue: kind) ?? .internalError, message, remedy: hasRemedy ? remedy : nil)
        state.note(AgreedFailure(failure: agreed, communicatorSize: size, rank: culprit, host: host))
        throw agreed
    }
}
