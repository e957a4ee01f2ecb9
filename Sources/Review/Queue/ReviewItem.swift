/// One line of `queue.jsonl`: an image to be shown to somebody.
package struct ReviewItem: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// In its turn: the most doubtful first.
        case doubtful
        /// Drawn at random from all images. Honeypots look like this, too.
        case audit
        /// Shown to a second person.
        case second
        /// Shown once more to the same person.
        case again
    }

    /// Why an image comes early.
    package enum Reason: String, Codable, Sendable, CaseIterable {
        /// Estimators mark different regions.
        case disagreement
        /// Many pixels lie near the threshold.
        case threshold
        /// Much more or less is marked than in others of its class.
        case coverage
        /// A model is wrong on it.
        case mistaken
        /// A model is wrong on it under attack.
        case attacked
        /// There is no map.
        case unseen
        /// Drawn at random.
        case random
    }

    package var item: Int
    /// Counted over all splits.
    package var image: Int
    /// Its path in the data set, or its number.
    package var name: String
    package var label: String
    package var kind: Kind
    package var reason: Reason
    /// 0 (nothing to doubt) to 1.
    package var score: Double
    /// The image's place in the order of doubt, from 0; the same for all its items.
    package var rank: Int
    /// For `second` and `again`: the item that showed the image first.
    package var of: Int?
    /// Whether the map is hidden until the person has marked something.
    package var blind: Bool

    package init(
        item: Int, image: Int, name: String, label: String, kind: Kind, reason: Reason, score: Double, rank: Int, of: Int? = nil, blind: Bool = false
    ) {
        self.item = item
        self.image = image
        self.name = name
        self.label = label
        self.kind = kind
        self.reason = reason
        self.score = score
        self.rank = rank
        self.of = of
        self.blind = blind
    }
}

/// A map of known quality among the others. Kept in a sealed file: the queue does not tell them from the audit.
package struct Honeypot: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// Known, or taken, to be right.
        case right
        /// Another image's map.
        case swapped
        /// Moved across the image, around its edges.
        case shifted
        /// Nothing is marked.
        case emptied
    }

    package var item: Int
    package var kind: Kind
    /// `swapped`: whose map.
    package var other: Int?
    /// `shifted`: pixels to the right and down.
    package var columns: Int?
    package var rows: Int?
    /// Whether the map it starts from is that of `--trusted`.
    package var trusted: Bool

    package init(item: Int, kind: Kind, other: Int? = nil, columns: Int? = nil, rows: Int? = nil, trusted: Bool) {
        self.item = item
        self.kind = kind
        self.other = other
        self.columns = columns
        self.rows = rows
        self.trusted = trusted
    }

    package var isRight: Bool { kind == .right }

    /// The map to show for image `number`.
    package func map(_ number: Int, in material: ReviewMaterial) throws -> [UInt8] {
        func source(_ number: Int) throws -> [UInt8] { trusted ? try material.map(number) { $0.trusted } : try material.map(number) }
        switch kind {
        case .right: return try source(number)
        case .swapped: return try source(other ?? number)
        case .emptied: return [UInt8](repeating: 0, count: material.size.pixels)
        case .shifted:
            let (width, height, map) = (material.size.width, material.size.height, try source(number))
            var moved = [UInt8](repeating: 0, count: map.count)
            let (right, down) = (columns ?? 0, rows ?? 0)
            for y in 0..<height {
                let row = ((y - down) % height + height) % height * width
                for x in 0..<width { moved[y * width + x] = map[row + ((x - right) % width + width) % width] }
            }
            return moved
        }
    }
}
