/// How gradients are summed over ranks.
package enum ReductionAlgorithm: String, Sendable, CaseIterable {
    /// In one tree over the micro-batches of the step: the same bits on any number of ranks.
    case reproducible
    /// Each rank's sum by MPI_Iallreduce, in an order of MPI's choice.
    case mpi
    /// Each rank's sum in bfloat16 with error feedback: half the bytes. The same bits on all ranks, but others for
    /// another number of ranks. For slow networks.
    case bfloat16 = "bf16"
}
