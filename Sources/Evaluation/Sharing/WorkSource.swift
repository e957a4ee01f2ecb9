/// Where a rank gets images to work on, and where its results go.
///
/// Rank 0 keeps the list (`WorkServer`) and hands out images a few at a time, to itself as to others, whenever one has room;
/// so ranks finish together although images differ, and hosts too. Who works on an image, when, and beside which others
/// changes nothing of its line: draws are keyed by (seed, attack, image), and a model answers for each image on its own.
protocol WorkSource: AnyObject {
    /// Images to work on.
    ///
    /// - Parameters:
    ///   - phase: what the rank is at; nil for nothing.
    ///   - room: how many images it has room for, at least 1.
    ///   - isBusy: whether it has images in work. Then only images of the same phase are given, and the call does not wait.
    func next(_ phase: Int?, room: Int, isBusy: Bool) throws -> WorkHandout

    /// Takes the result of one image.
    ///
    /// - Parameter image: the adversarial image, where those are kept.
    func report(_ result: WorkResult, image: UnsafeBufferPointer<Float>?) throws

    /// To be called often: rank 0 answers others here, and all learn of a stop.
    ///
    /// - Returns: whether the evaluation is to stop.
    func beat() throws -> Bool
}

enum WorkHandout {
    case images(phase: Int, positions: [Int])
    /// There are none of this phase now.
    case none
    /// All is done, or the evaluation stops.
    case over
}

struct WorkResult {
    var phase: Int
    var position: Int
    var line: LedgerLine
}

/// Where rank 0 puts results.
package protocol LedgerSink: AnyObject {
    /// - Parameter image: the misclassified image, [height, width, channels], if it fell and images are kept.
    func append(_ line: LedgerLine, phase: Int, position: Int, image: UnsafeBufferPointer<Float>?) throws

    /// Called now and then: brings what was appended to the disk.
    func synchronize() throws
}

/// A sink that keeps sums in memory, and lines if they are wanted.
package final class MemorySink: LedgerSink {
    private let keepsLines: Bool
    package private(set) var lines: [(phase: Int, line: LedgerLine)] = []
    package private(set) var sums: LedgerSums

    package init(_ plan: EvaluationPlan, keepsLines: Bool = true) {
        self.keepsLines = keepsLines
        sums = LedgerSums(plan)
    }

    package func append(_ line: LedgerLine, phase: Int, position: Int, image: UnsafeBufferPointer<Float>?) {
        if keepsLines { lines.append((phase, line)) }
        sums.add(line, phase: phase)
    }

    package func synchronize() {}

    /// By phase, then by index.
    package var sortedLines: [LedgerLine] { lines.sorted { ($0.phase, $0.line.index) < ($1.phase, $1.line.index) }.map(\.line) }
}
