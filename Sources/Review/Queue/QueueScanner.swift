/// Reads what a queue keeps in memory of a line, some twenty times as fast as a JSON decoder: a queue of 100,000 images is there in a
/// moment.
package struct QueueScanner: Hashable {
    var item = -1
    var image = -1
    var rank = -1
    var of: Int?
    var kind = ReviewItem.Kind.doubtful
    var isBlind = false

    package init(_ item: ReviewItem) { (self.item, image, rank, of, kind, isBlind) = (item.item, item.image, item.rank, item.of, item.kind, item.blind) }

    /// Nil for a line that is not as `jsonBytes` writes it: then a decoder must look.
    package init?(_ line: UnsafeBufferPointer<UInt8>) {
        var place = 0
        func byte() -> UInt8 { place < line.count ? line[place] : 0 }
        func take(_ expected: UInt8) -> Bool {
            guard byte() == expected else { return false }
            place += 1
            return true
        }
        /// The bytes of a string; nil where it does not end.
        func string() -> Range<Int>? {
            guard take(UInt8(ascii: "\"")) else { return nil }
            let start = place
            while place < line.count, line[place] != UInt8(ascii: "\"") { place += line[place] == UInt8(ascii: "\\") ? 2 : 1 }
            guard place < line.count else { return nil }
            place += 1
            return start..<place - 1
        }
        func isEqual(_ range: Range<Int>, _ text: StaticString) -> Bool {
            guard range.count == text.utf8CodeUnitCount else { return false }
            for i in 0..<range.count where line[range.lowerBound + i] != text.utf8Start[i] { return false }
            return true
        }
        /// What stands before the next comma or brace.
        func word() -> Range<Int> {
            let start = place
            while place < line.count, line[place] != UInt8(ascii: ","), line[place] != UInt8(ascii: "}") { place += 1 }
            return start..<place
        }
        func number(_ range: Range<Int>) -> Int? {
            guard (1...9).contains(range.count) else { return nil }
            var value = 0
            for i in range {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[i]) else { return nil }
                value = 10 * value + Int(line[i] - UInt8(ascii: "0"))
            }
            return value
        }
        var (hasKind, hasBlind) = (false, false)
        guard take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let key = string(), take(UInt8(ascii: ":")) else { return nil }
            if byte() == UInt8(ascii: "\"") {
                guard let text = string() else { return nil }
                if isEqual(key, "kind"), let known = ReviewItem.Kind(rawValue: String(decoding: line[text], as: UTF8.self)) { (kind, hasKind) = (known, true) }
                continue
            }
            let value = word()
            if isEqual(key, "item") { item = number(value) ?? -1 }
            if isEqual(key, "image") { image = number(value) ?? -1 }
            if isEqual(key, "rank") { rank = number(value) ?? -1 }
            if isEqual(key, "of") {
                guard let first = number(value) else { return nil }
                of = first
            }
            if isEqual(key, "blind") { (isBlind, hasBlind) = (isEqual(value, "true"), isEqual(value, "true") || isEqual(value, "false")) }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")), place == line.count, item >= 0, image >= 0, rank >= 0, hasKind, hasBlind else { return nil }
    }
}
