import Diagnostics

/// Images of a data set by their indices, ascending: `0:1000` is 0 to 999, `3,7,10:12` is 3, 7, 10 and 11.
package enum IndexList {
    /// - Parameter indices: ascending.
    package static func text(_ indices: [Int]) -> String {
        var runs: [Range<Int>] = []
        for index in indices {
            if let last = runs.last, last.upperBound == index { runs[runs.count - 1] = last.lowerBound..<index + 1 } else { runs.append(index..<index + 1) }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound):\($0.upperBound)" }.joined(separator: ",")
    }

    /// - Parameters:
    ///   - separators: what may stand between entries; lines of a file may hold one each.
    ///   - source: what messages call the text: a flag, or a file.
    ///   - count: images in the data set.
    /// - Returns: ascending indices, each once.
    /// - Throws: `Failure` of `kind` naming the entry that is no range, outside the data set, or there twice.
    package static func indices(_ text: some StringProtocol, source: String, count: Int, kind: Failure.Kind) throws -> [Int] {
        func refuse(_ what: String, _ remedy: String) -> Failure { Failure(kind, "\(source): \(what)", remedy: remedy) }
        var chosen: [Int] = []
        for entry in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let parts = entry.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count <= 2, let first = parts[0], let end = parts.count == 1 ? first.addingReportingOverflow(1).partialValue : parts[1], first < end else {
                throw refuse("\"\(entry)\" is no index and no range", "write 17, or 0:1000 for 0 to 999")
            }
            guard first >= 0, end <= count else {
                throw refuse("\(entry) is outside the data set, which has the images 0 to \(count - 1)", "name images that are there")
            }
            chosen += first..<end
        }
        guard !chosen.isEmpty else { throw refuse("names no image", "write 17, or 0:1000 for 0 to 999") }
        chosen.sort()
        if let twice = zip(chosen, chosen.dropFirst()).first(where: { $0 == $1 }) { throw refuse("image \(twice.0) is there twice", "name each once") }
        return chosen
    }
}
