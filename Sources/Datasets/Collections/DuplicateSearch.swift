import Images

/// Finds images that are the same, and nearly the same.
///
/// Exact: equal bytes of the files, by a 64-bit hash. Near: at most 5 of the 256 bits of a difference hash differ (grey,
/// upright, reduced to 17×16; bit = left pixel darker than right), so the same picture in another size, compression or
/// brightness is found, a mirrored or shifted one is not. Images without any texture, whose bits are all alike, say nothing of one another.
struct DuplicateSearch {
    /// Pairs are compared one by one: above this many images (some seconds) near duplicates are not searched.
    static let nearLimit = 60_000
    static let nearBits = 5

    /// 256 bits.
    static func differenceHash(_ grey: Image) -> SIMD4<UInt64> {
        let small = Geometry(source: grey.size, output: PixelSize(width: 17, height: 16)).apply(to: grey).pixels
        var hash = SIMD4<UInt64>()
        for word in 0..<4 {
            hash[word] = (0..<64).reduce(UInt64(0)) { bits, bit in
                let at = (word * 4 + bit / 16) * 17 + bit % 16
                return bits << 1 | (small[at] < small[at + 1] ? 1 : 0)
            }
        }
        return hash
    }

    /// Sets of two or more equal hashes, as positions.
    static func exact(_ hashes: [UInt64]) -> [[Int]] {
        let order = hashes.indices.sorted { (hashes[$0], $0) < (hashes[$1], $1) }
        var sets: [[Int]] = []
        var start = 0
        while start < order.count {
            let end = order[start...].firstIndex { hashes[$0] != hashes[order[start]] } ?? order.count
            if end - start > 1 { sets.append(Array(order[start..<end])) }
            start = end
        }
        return sets.sorted { $0[0] < $1[0] }
    }

    /// Calls `body` with each pair whose hashes differ in at most `nearBits` bits; with none above `nearLimit` images. O(n²): about
    /// 1 ns per pair.
    static func near(_ words: [SIMD4<UInt64>], _ body: (Int, Int) -> Void) {
        guard words.count <= nearLimit else { return }
        let isPlain = words.map { word in
            let bits = (0..<4).reduce(0) { $0 + word[$1].nonzeroBitCount }
            return bits == 0 || bits == 256
        }
        words.withUnsafeBufferPointer { words in
            for i in words.indices {
                for j in i + 1..<max(i + 1, words.count) {
                    let difference = words[i] ^ words[j]
                    var bits = difference[0].nonzeroBitCount
                    if bits > nearBits { continue }
                    bits += difference[1].nonzeroBitCount + difference[2].nonzeroBitCount + difference[3].nonzeroBitCount
                    if bits <= nearBits, !(isPlain[i] && isPlain[j]) { body(i, j) }
                }
            }
        }
    }
}
