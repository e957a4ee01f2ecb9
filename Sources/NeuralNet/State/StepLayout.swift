/// How one micro-batch's contribution to a training step lies in memory: everything in it is a sum over samples, so that
/// contributions of micro-batches, threads and ranks are added and nothing else.
///
/// `[ parameter gradients | batch statistics, as the running ones lie | loss | correct predictions ]`. Statistics are
/// each micro-batch's mean and unbiased variance times its number of samples. The backward pass completes the arena from
/// the end to the beginning.
package struct StepLayout: Sendable, Hashable {
    package let parameters: Int
    package let statistics: Int

    package init(_ network: Network) {
        parameters = network.parameterCount
        statistics = network.bufferCount
    }

    package var statisticsOffset: Int { parameters }
    package var lossOffset: Int { parameters + statistics }
    package var correctOffset: Int { parameters + statistics + 1 }
    package var count: Int { parameters + statistics + 2 }
}
