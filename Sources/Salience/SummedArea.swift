/// The sums of an image over all rectangles, in constant time each (F. C. Crow, SIGGRAPH 1984).
struct SummedArea<Value: AdditiveArithmetic> {
    private let stride: Int
    /// [height + 1, width + 1]: the sum of all pixels above and to the left.
    private let table: [Value]

    /// - Parameter image: [height, width].
    init(_ image: [Value], height: Int, width: Int) {
        stride = width + 1
        var table = [Value](repeating: .zero, count: (height + 1) * (width + 1))
        for y in 0..<height {
            var row = Value.zero
            for x in 0..<width {
                row += image[y * width + x]
                table[(y + 1) * stride + x + 1] = table[y * stride + x + 1] + row
            }
        }
        self.table = table
    }

    func sum(_ rows: Range<Int>, _ columns: Range<Int>) -> Value {
        let (above, below) = (rows.lowerBound * stride, rows.upperBound * stride)
        return table[below + columns.upperBound] - table[above + columns.upperBound] - table[below + columns.lowerBound] + table[above + columns.lowerBound]
    }
}
