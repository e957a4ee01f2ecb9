import Attacks
import Kernels

/// The images of one phase that a rank is given while it works: `count` grows as more are handed out.
final class SharedImages: AttackImages {
    private let source: any WorkSource
    private let phase: Int
    private let reader: RegionReader
    private let region: EvaluationProtocol.Region
    private let capacity: Int
    private let starts: (any StartingPoints)?
    private(set) var positions: [Int]
    private var loaded = 0
    private var finished = 0
    private var isClosed = false
    /// What was handed out for another phase when this one had no more.
    private(set) var following: WorkHandout?
    private(set) var failure: (any Error)?

    /// - Parameter capacity: the most images in work at a time.
    init(
        _ source: any WorkSource, phase: Int, region: EvaluationProtocol.Region, positions: [Int], capacity: Int, reader: RegionReader,
        starts: (any StartingPoints)? = nil
    ) {
        self.source = source
        self.phase = phase
        self.region = region
        self.positions = positions
        self.capacity = capacity
        self.reader = reader
        self.starts = starts
    }

    /// Asks for more when all that was handed out has been taken up.
    var count: Int {
        if loaded == positions.count, !isClosed {
            do { try askForMore() } catch { fail(error) }
        }
        return positions.count
    }

    func load(
        _ position: Int, image: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Float>
    ) throws -> (label: Int, index: Int) {
        if let failure { throw failure }
        loaded = max(loaded, position + 1)
        return try reader.load(positions[position], region: region, image: image, mask: mask)
    }

    func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool {
        try starts?.start(positions[position], into: point) ?? false
    }

    /// To be called for each image that an attack is done with.
    func noteFinished() throws {
        if let failure { throw failure }
        finished += 1
    }

    func fail(_ error: any Error) {
        failure = failure ?? error
        isClosed = true
    }

    private func askForMore() throws {
        let busy = loaded - finished
        // A few more than there is room for, so that nobody waits for an answer.
        let handout = try source.next(phase, room: max(capacity - busy, capacity / 4, 1), isBusy: busy > 0)
        switch handout {
        case .images(phase, let more): positions += more
        case .none: break
        default:
            isClosed = true
            following = handout
        }
    }
}

/// Points for attacks to begin at.
protocol StartingPoints: AnyObject {
    /// - Parameter position: among the images evaluated.
    /// - Returns: false if there is none.
    func start(_ position: Int, into point: UnsafeMutablePointer<Float>) throws -> Bool
}
