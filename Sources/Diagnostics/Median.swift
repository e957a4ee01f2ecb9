extension Sequence<Double> {
    /// The middle value; the mean of the two middle ones of an even number; 0 of none. O(n·log n).
    package func median() -> Double {
        let sorted = sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
