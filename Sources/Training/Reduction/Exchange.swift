import Kernels

/// The exchange of one bucket between ranks: started when the rank's sums are there, and pushed on until the global sums
/// are in the result. Used again in every step.
protocol Exchange: AnyObject {
    /// Starts. `sums` are the arenas of the rank's blocks, of which nobody else may touch this bucket until the exchange is
    /// over; `result` is the first of them, or another arena where there is none.
    ///
    /// - Parameter method: nil for MPI_Iallreduce; `halving` only for a butterfly.
    func start(_ plan: ReductionPlan, method: ExchangeMethod?, sums: [FloatBuffer], result: FloatBuffer) throws

    /// Does what can be done without waiting; returns whether the exchange is over.
    func advance() throws -> Bool

    /// Bytes of messages that this rank has sent since the start.
    var bytesSent: Int { get }
}
