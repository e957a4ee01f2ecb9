/// What Square adds to a window in L2: two bumps of opposite sign, one above the other, of Euclidean length 1.
package enum SquarePattern {
    /// [side, side].
    package static func pattern(side: Int) -> [Float] {
        let upper = side / 2
        var values = bump(rows: upper, columns: side) + bump(rows: side - upper, columns: side).map { -$0 }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        values = values.map { $0 / length }
        return values.map { Float($0) }
    }

    /// The same on its side.
    package static func transposed(_ pattern: [Float], side: Int) -> [Float] {
        (0..<side * side).map { pattern[($0 % side) * side + $0 / side] }
    }

    /// Squares around the centre that grow by a pixel on each side, the j-th weighing 1/j², of Euclidean length 1.
    private static func bump(rows: Int, columns: Int) -> [Double] {
        guard rows > 0 else { return [] }
        var values = [Double](repeating: 0, count: rows * columns)
        for j in 0...max(rows / 2, columns / 2) {
            for row in max(rows / 2 - j, 0)..<min(rows / 2 + j + 1, rows) {
                for column in max(columns / 2 - j, 0)..<min(columns / 2 + j + 1, columns) {
                    values[row * columns + column] += 1 / Double((j + 1) * (j + 1))
                }
            }
        }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }
}
