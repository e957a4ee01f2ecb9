import Kernels

/// Puts the items of a review in order: a function of the doubt and the seed.
package struct QueueBuilder {
    package struct Result {
        package var items: [ReviewItem]
        package var honeypots: [Honeypot]
    }

    /// A honeypot before it has its place.
    package struct Bait {
        package var image: Int
        package var honeypot: Honeypot

        package init(image: Int, honeypot: Honeypot) {
            self.image = image
            self.honeypot = honeypot
        }
    }

    private let settings: ReviewSettings
    private let stream: Philox

    package init(_ settings: ReviewSettings) {
        self.settings = settings
        stream = Philox(seed: settings.seed, purpose: .review)
    }

    /// - Parameters:
    ///   - label: each image's class, for its order and to be shown.
    package func build(_ doubt: Doubt, baits: [Bait], name: (Int) -> String, label: (Int) -> String) -> Result {
        let count = doubt.order.count
        // By classes, in the order in which they first appear in doubt.
        let order: [Int]
        if settings.byClass {
            var groups: [String: [Int]] = [:]
            var labels: [String] = []
            for image in doubt.order {
                let label = label(image)
                if groups[label] == nil { labels.append(label) }
                groups[label, default: []].append(image)
            }
            order = labels.flatMap { groups[$0]! }
        } else {
            order = doubt.order
        }
        var rank = [Int](repeating: 0, count: count)
        for (place, image) in order.enumerated() { rank[image] = place }

        // Each image once, as audit or in its turn. The audit's images are the first of one random order of all.
        let random = Philox(seed: settings.seed, purpose: .review, epoch: 1).permutation(count)
        var isQueued = [Bool](repeating: false, count: count)
        var (nextDoubtful, nextRandom) = (0, 0)
        var placed: [(key: Double, item: ReviewItem, bait: Honeypot?)] = []
        func make(_ image: Int, _ kind: ReviewItem.Kind, _ reason: ReviewItem.Reason, blind: Bool = false) -> ReviewItem {
            ReviewItem(
                item: 0, image: image, name: name(image), label: label(image), kind: kind, reason: reason,
                score: (doubt.scores[image] * 1000).rounded() / 1000, rank: rank[image], blind: blind)
        }
        for position in 0..<count {
            let isAudit = chance(position, 0) < settings.audit
            let image: Int
            if isAudit {
                while isQueued[random[nextRandom]] { nextRandom += 1 }
                image = random[nextRandom]
            } else {
                while isQueued[order[nextDoubtful]] { nextDoubtful += 1 }
                image = order[nextDoubtful]
            }
            isQueued[image] = true
            let blind = chance(position, 1) < settings.blind
            placed.append((Double(position), make(image, isAudit ? .audit : .doubtful, isAudit ? .random : doubt.reasons[image], blind: blind), nil))
        }
        // Those shown twice come a while after they came first.
        for position in 0..<count {
            let first = placed[position].item
            func repeated(_ kind: ReviewItem.Kind, _ distance: Double) {
                var item = make(first.image, kind, first.reason)
                item.of = position
                placed.append((Double(position) + distance, item, nil))
            }
            if chance(position, 2) < settings.double { repeated(.second, 5.5 + 60 * chance(position, 3)) }
            if chance(position, 4) < settings.again { repeated(.again, 40.5 + 100 * chance(position, 5)) }
        }
        // Honeypots at even distances, a little off.
        for (number, bait) in baits.enumerated() {
            let key = (Double(number) + chance(number, 6)) * Double(count) / Double(max(1, baits.count)) - 0.5
            placed.append((key, make(bait.image, .audit, .random), bait.honeypot))
        }
        let sorted = placed.indices.sorted { (placed[$0].key, $0) < (placed[$1].key, $1) }
        var number = [Int](repeating: 0, count: placed.count)
        for (item, place) in sorted.enumerated() { number[place] = item }
        var result = Result(items: [], honeypots: [])
        for (place, index) in sorted.enumerated() {
            var item = placed[index].item
            item.item = place
            item.of = item.of.map { number[$0] }
            result.items.append(item)
            if var honeypot = placed[index].bait {
                honeypot.item = place
                result.honeypots.append(honeypot)
            }
        }
        return result
    }

    /// How many honeypots a review of `count` images gets: the share asked for, but 20 of each kind where there is room for it.
    package func honeypotCount(_ count: Int) -> Int {
        guard settings.honeypots > 0 else { return 0 }
        return min(count / 2, max(Int((settings.honeypots * Double(count)).rounded()), min(40, count / 5)))
    }

    /// A number in [0, 1) for `position` and a use of it.
    func chance(_ position: Int, _ use: UInt32) -> Double {
        let block = Philox(seed: settings.seed, purpose: .review, epoch: 2, sample: position).block(use)
        return Double(block[0]) * 0x1p-32
    }
}
