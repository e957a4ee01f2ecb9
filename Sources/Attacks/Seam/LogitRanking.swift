/// Classes of one image by their logits, largest first; of equal logits the lower class comes first.
package enum LogitRanking {
    /// The `count` classes with the largest logits, in order. O(classes · log classes).
    package static func top(_ count: Int, of logits: UnsafePointer<Float>, classes: Int) -> [Int] {
        Array((0..<classes).sorted { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }.prefix(count))
    }

    /// The classes of the four largest logits, in order, or of all if there are fewer. Allocates nothing.
    @inline(__always)
    static func topFour(_ logits: UnsafePointer<Float>, classes: Int) -> SIMD4<Int> {
        var top = SIMD4<Int>(repeating: -1)
        for c in 0..<classes {
            // Insertion from behind: `c` is a higher class than all before, so it passes strictly smaller logits only.
            var place = min(4, c)
            while place > 0, logits[top[place - 1]] < logits[c] {
                if place < 4 { top[place] = top[place - 1] }
                place -= 1
            }
            if place < 4 { top[place] = c }
        }
        return top
    }

    /// The class with the largest logit but for `label`.
    static func runnerUp(_ logits: UnsafePointer<Float>, classes: Int, label: Int) -> Int {
        var best = label == 0 ? 1 : 0
        for c in 0..<classes where c != label && logits[c] > logits[best] { best = c }
        return best
    }

    /// Classes that rank above `label`.
    package static func rank(_ logits: UnsafePointer<Float>, classes: Int, label: Int) -> Int {
        (0..<classes).count { logits[$0] > logits[label] || logits[$0] == logits[label] && $0 < label }
    }

    /// z(label) − the largest other logit: positive where the image stands.
    package static func margin(_ logits: UnsafePointer<Float>, classes: Int, label: Int) -> Float {
        logits[label] - logits[runnerUp(logits, classes: classes, label: label)]
    }
}
