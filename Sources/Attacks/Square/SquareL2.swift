import Kernels

/// The two moves of Square in L2 on one image: the first pattern, and a window that takes another's share of the
/// perturbation.
///
/// Each costs a few passes over the image.
struct SquareL2 {
    let epsilon: Float
    let image: LaneImage
    let patterns: SquarePatterns
    private let delta: FloatBuffer

    init(epsilon: Float, image: LaneImage, patterns: SquarePatterns) {
        self.epsilon = epsilon
        self.image = image
        self.patterns = patterns
        delta = FloatBuffer(count: image.shape.count)
    }

    private var shape: ImageShape { image.shape }

    /// Tiles of a fifth of the height, each a pattern with a random sign for each channel, on the ball's surface.
    func start(_ random: Philox, into point: UnsafeMutablePointer<Float>) {
        let (shape, channels) = (shape, shape.channels)
        let side = max(shape.height / 5, 1)
        let offset = max(shape.height - 5 * side, 0) / 2
        delta.fill(0)
        var word = 0
        for tileRow in 0..<shape.height / side {
            for tileColumn in 0..<shape.width / side {
                let pattern = patterns.pattern(side: side, isTransposed: random.uniform(word, below: 2) == 1)
                for channel in 0..<channels {
                    let sign: Float = random.uniform(word + 1 + channel, below: 2) == 1 ? 1 : -1
                    for i in 0..<side * side {
                        let (row, column) = (offset + tileRow * side + i / side, offset + tileColumn * side + i % side)
                        guard row < shape.height, column < shape.width else { continue }
                        let place = (row * shape.width + column) * channels + channel
                        delta[place] += pattern[i] * sign * image.free[place]
                    }
                }
                word += 1 + channels
            }
        }
        writePoint(point)
    }

    /// Window 1 becomes the sum of a fresh pattern and its old direction, with the length of what was in both windows and
    /// what the ball still holds; window 2 becomes empty.
    ///
    /// - Parameter point: the best so far.
    func propose(
        _ draws: SquareDraws, iteration: Int, side: Int, from point: UnsafePointer<Float>,
        into candidate: UnsafeMutablePointer<Float>
    ) {
        let (shape, channels, x) = (shape, shape.channels, image.image)
        let (first, second) = (draws.window(0, iteration: iteration, side: side), draws.window(1, iteration: iteration, side: side))
        let pattern = patterns.pattern(side: side, isTransposed: draws.isTransposed(iteration: iteration))
        for i in 0..<shape.count { delta[i] = point[i] - x[i] }
        let length = ImageSums.length(delta.pointer, count: shape.count)
        let spare = max(Double(epsilon) * Double(epsilon) - length * length, 0) / Double(channels)
        for channel in 0..<channels {
            func place(_ window: SquareWindow, _ i: Int) -> Int {
                ((window.row + i / side) * shape.width + window.column + i % side) * channels + channel
            }
            var (inFirst, inBoth) = (0.0, 0.0)
            for i in 0..<side * side {
                let value = Double(delta[place(first, i)])
                inFirst += value * value
                let other = Double(delta[place(second, i)])
                if !first.contains(row: second.row + i / side, column: second.column + i % side) { inBoth += other * other }
            }
            inBoth += inFirst
            let sign = draws.sign(iteration: iteration, channel: channel)
            let old = Float(inFirst.squareRoot()) + 1e-12
            // What the fresh values are scaled by is known when all are: they wait in the candidate.
            var fresh = 0.0
            for i in 0..<side * side {
                let at = place(first, i)
                let value = (pattern[i] * sign + delta[at] / old) * image.free[at]
                candidate[at] = value
                fresh += Double(value) * Double(value)
            }
            let scale = Float((spare + inBoth).squareRoot() / (fresh.squareRoot() + 1e-12))
            for i in 0..<side * side { delta[place(second, i)] = 0 }
            for i in 0..<side * side { delta[place(first, i)] = candidate[place(first, i)] * scale }
        }
        writePoint(candidate)
    }

    /// The point of the ball's surface in the direction of `delta`, clipped to [0, 1].
    private func writePoint(_ point: UnsafeMutablePointer<Float>) {
        let (x, free, count, epsilon) = (image.image, image.free, shape.count, epsilon)
        let scale = Float(ImageSums.length(delta.pointer, count: count)) + 1e-12
        for i in 0..<count {
            let moved = min(max(x[i] + delta[i] / scale * epsilon, 0), 1)
            point[i] = free[i] > 0 ? moved : x[i]
        }
    }
}
