import Kernels

/// A square of pixels.
struct SquareWindow: Hashable {
    var row: Int
    var column: Int
    var side: Int

    func contains(row: Int, column: Int) -> Bool {
        row >= self.row && row < self.row + side && column >= self.column && column < self.column + side
    }
}

/// Draws windows for one image: each iteration has words of its own in the image's stream.
struct SquareDraws {
    let random: Philox
    let shape: ImageShape
    /// The pixels that may move; nil for all.
    let freePixels: [Int32]?

    /// Words of an iteration: three for each of two windows, one for the orientation, one sign for each channel.
    private var stride: Int { (7 + shape.channels + 3) / 4 * 4 }

    func window(_ number: Int, iteration: Int, side: Int) -> SquareWindow {
        let word = iteration * stride + 3 * number
        let (rows, columns) = (shape.height - side, shape.width - side)
        guard let freePixels else {
            // The last row and column of corners are left out, as in the authors' code.
            return SquareWindow(
                row: random.uniform(word, below: max(rows, 1)), column: random.uniform(word + 1, below: max(columns, 1)), side: side)
        }
        let pixel = Int(freePixels[random.uniform(word + 2, below: freePixels.count)])
        func corner(_ place: Int, last: Int, _ word: Int) -> Int {
            let low = max(0, place - side + 1)
            return low + random.uniform(word, below: min(place, last) - low + 1)
        }
        return SquareWindow(
            row: corner(pixel / shape.width, last: rows, word), column: corner(pixel % shape.width, last: columns, word + 1),
            side: side)
    }

    func isTransposed(iteration: Int) -> Bool { random.uniform(iteration * stride + 6, below: 2) == 1 }

    /// ±1.
    func sign(iteration: Int, channel: Int) -> Float {
        random.uniform(iteration * stride + 7 + channel, below: 2) == 1 ? 1 : -1
    }
}
