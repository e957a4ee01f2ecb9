/// Numbers from 0, in sets that are joined (union-find). Almost constant time each.
struct DisjointSets {
    private var parents: [Int32]

    init(_ count: Int) { parents = (0..<Int32(count)).map { $0 } }

    mutating func join(_ first: Int, _ second: Int) {
        let (a, b) = (root(first), root(second))
        // The lowest member stands for a set.
        if a != b { parents[max(a, b)] = Int32(min(a, b)) }
    }

    /// The lowest member of the set that `number` is in.
    mutating func root(_ number: Int) -> Int {
        var number = number
        while parents[number] != number {
            parents[number] = parents[Int(parents[number])]
            number = Int(parents[number])
        }
        return number
    }
}
