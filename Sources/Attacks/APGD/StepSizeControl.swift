/// When APGD halves its step: at checkpoints, if the loss rose too seldom since the last one, or if neither the step nor
/// the best loss has changed since (Croce and Hein, ICML 2020, section 3.1).
package struct StepSizeControl: Sendable {
    /// Iterations up to the first checkpoint, by how many each later interval is shorter, and the shortest.
    package static func windows(iterations: Int) -> (first: Int, decrement: Int, shortest: Int) {
        func share(_ factor: Double) -> Int { max(Int(factor * Double(iterations)), 1) }
        return (share(0.22), share(0.03), share(0.06))
    }

    /// The iterations, counted from 1, after which the step is judged.
    package static func checkpoints(iterations: Int) -> [Int] {
        let windows = windows(iterations: iterations)
        var (window, checkpoints) = (windows.first, [windows.first])
        while true {
            window = max(window - windows.decrement, windows.shortest)
            guard checkpoints.last! + window <= iterations else { return checkpoints }
            checkpoints.append(checkpoints.last! + window)
        }
    }

    private let rho: Double
    private let decrement: Int
    private let shortest: Int
    private var window: Int
    private var sinceCheckpoint = 0
    private var iteration = 0
    /// The loss after each iteration. Those to come are 0, which the first checkpoint reads: see `record`.
    private var history: [Float]
    private var wasReduced = true
    private var bestAtCheckpoint: Float

    /// - Parameters:
    ///   - rho: the share of iterations in which the loss must have risen.
    ///   - startLoss: the loss at the starting point.
    package init(iterations: Int, rho: Double, startLoss: Float) {
        let windows = Self.windows(iterations: iterations)
        self.rho = rho
        decrement = windows.decrement
        shortest = windows.shortest
        window = windows.first
        history = Array(repeating: 0, count: iterations)
        bestAtCheckpoint = startLoss
    }

    /// Takes the loss after the next iteration, and the best so far.
    ///
    /// As in the authors' code, the first checkpoint compares the first iteration's loss with the last place of the
    /// history, which is still 0, and not with the starting loss.
    ///
    /// - Returns: whether the step is to be halved, and the walk to go on from the best point.
    package mutating func record(_ loss: Float, best: Float) -> Bool {
        history[iteration] = loss
        defer { iteration += 1 }
        sinceCheckpoint += 1
        guard sinceCheckpoint == window else { return false }
        var rises = 0
        for back in 0..<window {
            let place = iteration - back
            let previous = place > 0 ? place - 1 : history.count - 1
            if history[place] > history[previous] { rises += 1 }
        }
        let halves = Double(rises) <= rho * Double(window) || (!wasReduced && bestAtCheckpoint >= best)
        wasReduced = halves
        bestAtCheckpoint = best
        window = max(window - decrement, shortest)
        sinceCheckpoint = 0
        return halves
    }
}
