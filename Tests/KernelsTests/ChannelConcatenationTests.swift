import Kernels
import Testing

@Suite struct ChannelConcatenationTests {
    @Test(arguments: [(1, 1, 1), (3, 5, 2), (64, 32, 7), (17, 16, 9)])
    func joinsAndParts(_ first: Int, _ second: Int, _ rows: Int) {
        let (a, b) = (FloatBuffer((0..<rows * first).map { Float($0) }), FloatBuffer((0..<rows * second).map { -1 - Float($0) }))
        let whole = FloatBuffer(count: rows * (first + second) + 1)
        whole.fill(.nan)
        ChannelConcatenation.join(a.pointer, channels: first, b.pointer, channels: second, rows: rows, output: whole.pointer)
        for row in 0..<rows {
            for channel in 0..<first + second {
                let expected = channel < first ? a[row * first + channel] : b[row * second + channel - first]
                #expect(whole[row * (first + second) + channel] == expected)
            }
        }
        #expect(whole[rows * (first + second)].isNaN)
        for (start, count, source) in [(0, first, a), (first, second, b)] {
            let part = FloatBuffer(count: rows * count + 1)
            part.fill(.nan)
            ChannelConcatenation.part(whole.pointer, channels: first + second, start: start, count: count, rows: rows, output: part.pointer)
            #expect((0..<rows * count).allSatisfy { part[$0] == source[$0] } && part[rows * count].isNaN)
        }
    }
}
