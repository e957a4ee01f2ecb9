import Kernels

/// Square on one image.
final class SquareLane: AttackLane {
    private let settings: Square
    private let shape: ImageShape
    private let classes: Int
    private let patterns: SquarePatterns
    private let best: FloatBuffer
    /// Equal to `best` outside the window in L∞.
    private let candidate: FloatBuffer

    private var image: LaneImage!
    private var draws: SquareDraws!
    private var l2: SquareL2!
    private var restart = 0
    private var iteration = 0
    private var margin: Float = 0
    private var isAtStart = true
    private var window = SquareWindow(row: 0, column: 0, side: 0)
    private(set) var question = LaneQuestion.none
    private(set) var claim = AttackClaim()

    init(_ settings: Square, shape: ImageShape, classes: Int, patterns: SquarePatterns) {
        self.settings = settings
        self.shape = shape
        self.classes = classes
        self.patterns = patterns
        best = FloatBuffer(count: shape.count)
        candidate = FloatBuffer(count: shape.count)
    }

    var point: UnsafePointer<Float> { UnsafePointer(candidate.pointer) }
    var result: UnsafePointer<Float> { UnsafePointer(best.pointer) }

    func begin(_ image: LaneImage, logits: UnsafePointer<Float>) {
        self.image = image
        claim = AttackClaim()
        claim.variant = image.isMasked ? .masked : .standard
        restart = 0
        beginRun()
    }

    private func beginRun() {
        var freePixels: [Int32]?
        if image.isMasked {
            freePixels = (0..<shape.pixels).compactMap { image.free[$0 * shape.channels] > 0 ? Int32($0) : nil }
        }
        // Targets 0 and 1 of the stream: the first pattern, and the windows.
        func random(_ part: Int) -> Philox {
            AttackStream.square.philox(seed: image.seed, target: part, restart: restart, image: image.index)
        }
        draws = SquareDraws(random: random(1), shape: shape, freePixels: freePixels)
        switch settings.threat.norm {
        case .linf: writeStripes(random(0))
        case .l2:
            l2 = SquareL2(epsilon: settings.threat.epsilon, image: image, patterns: patterns)
            l2.start(random(0), into: candidate.pointer)
        }
        if restart == 0, let start = image.start { candidate.pointer.update(from: start, count: shape.count) }
        iteration = 0
        isAtStart = true
        question = .logits
    }

    /// The first point in L∞: vertical stripes of ±ε, one sign for each column and channel.
    private func writeStripes(_ random: Philox) {
        let (epsilon, x) = (settings.threat.epsilon, image.image)
        let columns = shape.width * shape.channels
        for i in 0..<columns {
            let move = random.uniform(i, below: 2) == 1 ? epsilon : -epsilon
            for v in stride(from: i, to: shape.count, by: columns) {
                candidate[v] = image.free[v] > 0 ? min(max(x[v] + move, 0), 1) : x[v]
            }
        }
    }

    func differentiate(_ logits: UnsafePointer<Float>, into derivative: UnsafeMutablePointer<Float>) {
        derivative.update(repeating: 0, count: classes)
    }

    func take(_ logits: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?) {
        let found = LogitRanking.margin(logits, classes: classes, label: image.label)
        if isAtStart {
            isAtStart = false
            margin = found
            best.copy(from: candidate)
        } else if found < margin || found <= 0 {
            margin = min(margin, found)
            keep(candidate, as: best)
        } else {
            keep(best, as: candidate)
        }
        if margin <= 0 {
            // Of equal logits the lower class wins: the image may stand all the same.
            claim.succeeded = CrossEntropy.prediction(logits, classes: classes) != image.label
            claim.succeeded ? question = .none : endRun()
        } else {
            propose()
        }
    }

    /// Copies what the last proposal may have changed.
    private func keep(_ source: FloatBuffer, as destination: FloatBuffer) {
        guard settings.threat.norm == .linf else { return destination.copy(from: source) }
        let width = window.side * shape.channels
        for row in window.row..<window.row + window.side {
            let first = (row * shape.width + window.column) * shape.channels
            (destination.pointer + first).update(from: source.pointer + first, count: width)
        }
    }

    /// Draws windows until one changes something, which the model is then asked about.
    private func propose() {
        while iteration < settings.queries {
            let share = SquareSchedule.share(settings.initialShare, iteration: iteration)
            let side = SquareSchedule.side(
                settings.threat.norm, share: share, pixels: image.freePixels, limit: min(shape.height, shape.width))
            let changes: Bool
            switch settings.threat.norm {
            case .linf: changes = drawLinf(side)
            case .l2:
                l2.propose(draws, iteration: iteration, side: side, from: best.pointer, into: candidate.pointer)
                changes = true
            }
            iteration += 1
            claim.iterations += 1
            if changes {
                question = .logits
                return
            }
        }
        endRun()
    }

    private func endRun() {
        restart += 1
        if restart == settings.restarts { question = .none } else { beginRun() }
    }

    /// Moves each channel of a window to one side of the ball.
    ///
    /// - Returns: whether any value changed: if not, the model need not be asked, as it would answer the same.
    private func drawLinf(_ side: Int) -> Bool {
        window = draws.window(0, iteration: iteration, side: side)
        let (epsilon, channels, x, free) = (settings.threat.epsilon, shape.channels, image.image, image.free)
        var changes = false
        for channel in 0..<channels {
            let move = 2 * epsilon * draws.sign(iteration: iteration, channel: channel)
            for row in window.row..<window.row + side {
                let first = (row * shape.width + window.column) * channels + channel
                for i in stride(from: first, to: first + side * channels, by: channels) where free[i] > 0 {
                    let moved = min(max(min(max(best[i] + move, x[i] - epsilon), x[i] + epsilon), 0), 1)
                    if moved != best[i] { changes = true }
                    candidate[i] = moved
                }
            }
        }
        return changes
    }
}
