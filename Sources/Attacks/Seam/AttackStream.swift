import Kernels

/// The streams of random numbers of the attacks: which attack, which of its runs, which image.
///
/// Raw values are part of the results: never renumber.
enum AttackStream: Int {
    case apgdCrossEntropy = 1
    case apgdDLR = 2
    case apgdTargeted = 3
    case fab = 4
    case fabTargeted = 5
    case square = 6

    /// The most targets and restarts that have streams of their own.
    static let targets = 1 << 12
    static let restarts = 1 << 8

    /// - Parameter target: the rank of the target class, from 1; 0 for none.
    func philox(seed: UInt64, target: Int = 0, restart: Int = 0, image: Int) -> Philox {
        let run = rawValue << 20 | target << 8 | restart
        return Philox(seed: seed, purpose: .evaluation, epoch: run, sample: image)
    }
}
