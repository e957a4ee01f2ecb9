import Kernels
import Testing

@Suite("GEMM")
struct GEMMTests {
    @Test("Every transposition and beta equals the definition", arguments: [(1, 1, 1), (5, 7, 3), (33, 17, 65)])
    func products(_ size: (m: Int, n: Int, k: Int)) {
        let (m, n, k) = size
        let (a, b, c) = (FloatBuffer(normals(m * k, 1)), FloatBuffer(normals(k * n, 2)), FloatBuffer(normals(m * n, 3)))
        defer { withExtendedLifetime((a, b, c)) {} }
        for (transposeA, transposeB, beta) in [(false, false, Float(0)), (true, false, 1), (false, true, 0.5), (true, true, 0)] {
            let result = FloatBuffer(c.array)
            GEMM.multiply(
                a.pointer, b.pointer, into: result.pointer, m: m, n: n, k: k, transposeA: transposeA,
                transposeB: transposeB, beta: beta)
            var expected = c.array.map { Double($0) * Double(beta) }
            for i in 0..<m {
                for j in 0..<n {
                    for l in 0..<k {
                        let x = Double(a[transposeA ? l * m + i : i * k + l])
                        let y = Double(b[transposeB ? j * k + l : l * n + j])
                        expected[i * n + j] += x * y
                    }
                }
            }
            #expect(relativeError(result.array, expected) < 1e-6)
        }
    }
}
