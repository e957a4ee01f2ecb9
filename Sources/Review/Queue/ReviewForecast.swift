import Diagnostics
import Foundation

/// What a review will take, said before anybody has looked at an image.
///
/// The times per image are those that studies of such work report (2 to 4 s to confirm, 7 to 15 s to correct by a box or clicks); the
/// page measures its own, and `ReviewStatus` goes by these.
package struct ReviewForecast: Sendable {
    /// When a review may stop at the earliest.
    package struct Stop: Hashable, Sendable {
        /// Items shown until then.
        package var items: Int
        /// Random images among them.
        package var random: Int
    }

    /// Seconds for one image, at least and at most.
    package static let confirming = (least: 2.0, most: 4.0)
    package static let correcting = (least: 7.0, most: 15.0)

    package let items: Int
    private let images: Int
    /// If nobody changes any random image, and all honeypots are judged rightly: when the rest is good enough; nil: not before the
    /// last image.
    package let earliestStop: Stop?
    /// Whether that is so because honeypots are too few to tell what people miss.
    package let lacksHoneypots: Bool

    /// - Complexity: O(items · 40).
    package init(_ items: [ReviewItem], honeypots: [Honeypot], images: Int, goodEnough: Double) {
        (self.items, self.images) = (items.count, images)
        let right = Dictionary(honeypots.map { ($0.item, $0.isRight) }) { first, _ in first }
        func first(_ isEnough: (RestEstimate, Interval?) -> Bool) -> Stop? {
            var (reached, ranks, caught, passed) = (0, [Int](), 0, 0)
            let step = max(1, items.count / 40)
            for (number, item) in items.enumerated() {
                if let isRight = right[number] {
                    (caught, passed) = (caught + (isRight ? 0 : 1), passed + (isRight ? 1 : 0))
                } else if item.kind == .doubtful {
                    reached = max(reached, item.rank + 1)
                } else if item.kind == .audit {
                    ranks.append(item.rank)
                }
                guard (number + 1) % step == 0 else { continue }
                let sample = ranks.count { $0 >= reached }
                let rest = RestEstimate(population: images - reached, sample: sample, errors: 0)
                guard rest.rest > 0, sample > 0 else { continue }
                let isTold = caught >= ReviewStatus.leastHoneypots && passed >= ReviewStatus.leastHoneypots
                let corrected =
                    isTold
                    ? correctedShare(
                        objected: Proportion(hits: 0, trials: sample), caught: Proportion(hits: caught, trials: caught),
                        passed: Proportion(hits: passed, trials: passed)) : nil
                if isEnough(rest, corrected) { return Stop(items: number + 1, random: ranks.count) }
            }
            return nil
        }
        earliestStop = first { ReviewStatus.isGoodEnough($0, corrected: $1, goodEnough: goodEnough) }
        lacksHoneypots = earliestStop == nil && first { rest, _ in ReviewStatus.isGoodEnough(rest, corrected: nil, goodEnough: goodEnough) } != nil
    }

    /// Seconds for one person to look at so many images and to correct a share of them.
    package static func seconds(_ items: Int, corrected share: Double) -> (least: Double, most: Double) {
        let (right, wrong) = (Double(items) * (1 - share), Double(items) * share)
        return (right * confirming.least + wrong * correcting.least, right * confirming.most + wrong * correcting.most)
    }

    /// For a terminal.
    package func text(goodEnough: Double) -> String {
        func time(_ items: Int, _ share: Double) -> String {
            let (least, most) = ReviewForecast.seconds(items, corrected: share)
            return "\(duration(least)) to \(duration(most))"
        }
        var lines = [
            "All of it takes one person \(time(items, 0.15)) where 15 % are corrected, \(time(items, 0.5)) where half are (2 to 4 s to confirm an image, 7 to 15 s to correct it)."
        ]
        if let stop = earliestStop {
            lines.append(
                "If no random image is changed and no honeypot is missed, the rest is good enough (at most \(percentage(goodEnough)) wrong) after \(stop.items) images, "
                    + "\(stop.random) random ones among them: \(time(stop.items, 0.15)).")
        } else if lacksHoneypots {
            lines.append(
                "The honeypots are too few to show that at most \(percentage(goodEnough)) of the rest are wrong, however well people judge: plan more (--honeypots), or ask for less (--good-enough).")
        } else {
            // ln 0.025 / ln (1 − p) random images without an error bound a large rest to p. Half-way through, half of the random images
            // are drawn, and half of these are of the rest.
            let share = 4 * log(0.025) / log(1 - goodEnough) / Double(max(1, images))
            let more = share <= 0.6 ? "plan more (--audit \(decimal(share, 2)) or so), or " : ""
            lines.append(
                "The random images are too few to show that at most \(percentage(goodEnough)) of the rest are wrong before all are looked at: \(more)ask for less (--good-enough).")
        }
        return lines.joined(separator: "\n")
    }
}
