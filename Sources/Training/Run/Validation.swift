import MPI
import NeuralNet

/// What a run learns about its model between epochs; how is the affair of whoever starts the run.
package protocol Validation: AnyObject {
    /// Accuracy on clean and on attacked images, 0 to 1, the same on all ranks; nil without validation images. Collective.
    ///
    /// - Parameter progress: to be called every few seconds.
    func run(_ state: ModelState, communicator: Communicator, progress: () -> Void) throws -> (clean: Double, robust: Double)?
}
