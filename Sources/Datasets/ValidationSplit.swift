import Diagnostics
import Kernels

/// A data set's images divided into those to train on and those to validate on, each class in proportion.
package struct ValidationSplit: Sendable, Hashable {
    /// Ascending global indices.
    package let training: [Int]
    /// Ascending global indices.
    package let validation: [Int]

    /// Sets `count` images aside, drawn by (seed, validationSplit, class).
    ///
    /// The classes' shares are their parts of `count`, rounded by largest remainder (ties to the lower class), so each
    /// is within one image of proportional.
    /// - Throws: `Failure.usage` when fewer than one image would be left to train on.
    package init(labels: [Int32], count: Int, seed: UInt64) throws {
        guard count >= 0, count < labels.count else {
            throw Failure.usage(
                "validation split of \(count) images, expected 0 to \(labels.count - 1) of the \(labels.count) there are",
                remedy: "make the validation split smaller")
        }
        let members = ValidationSplit.membersByClass(labels)
        let shares = ValidationSplit.proportionalShares(of: count, sizes: members.map(\.count))
        var isValidation = [Bool](repeating: false, count: labels.count)
        for (label, indices) in members.enumerated() {
            let order = Philox(seed: seed, purpose: .validationSplit, sample: label).permutation(indices.count)
            for i in order.prefix(shares[label]) { isValidation[indices[i]] = true }
        }
        training = labels.indices.filter { !isValidation[$0] }
        validation = labels.indices.filter { isValidation[$0] }
    }

    /// Sets the share `fraction` aside, rounded to whole images.
    ///
    /// - Parameter groups: a number per image; equal ones stay together, see `StratifiedSplit`. Nil: each for itself.
    /// - Throws: `Failure.usage` unless `fraction` is in [0, 1) and leaves an image to train on.
    package init(labels: [Int32], groups: [Int32]? = nil, fraction: Double, seed: UInt64) throws {
        guard fraction >= 0, fraction < 1 else {
            throw Failure.usage(
                "validation split of \(fraction), expected a fraction of at least 0 and below 1",
                remedy: "0.1 sets a tenth of the training images aside")
        }
        if let groups {
            let isValidation = StratifiedSplit(labels: labels, groups: groups, share: fraction, seed: seed).isChosen
            guard isValidation.contains(false) else {
                throw Failure.usage("validation split: all images are of one group", remedy: "set the validation split to 0")
            }
            self.init(isValidation: isValidation)
            return
        }
        try self.init(labels: labels, count: Int((fraction * Double(labels.count)).rounded()), seed: seed)
    }

    private init(isValidation: [Bool]) {
        training = isValidation.indices.filter { !isValidation[$0] }
        validation = isValidation.indices.filter { isValidation[$0] }
    }

    /// At most `limit` of `indices`, as evenly over the classes as there are images: the first ones of each class.
    ///
    /// When `limit` does not divide evenly, lower classes get one more.
    /// - Returns: ascending indices; all of them when `limit` is not smaller.
    package static func classBalanced(_ indices: [Int], labels: [Int32], limit: Int) -> [Int] {
        guard limit < indices.count else { return indices.sorted() }
        var members = [[Int]](repeating: [], count: Int(labels.max() ?? -1) + 1)
        for index in indices.sorted() { members[Int(labels[index])].append(index) }
        var chosen: [Int] = []
        var round = 0
        while chosen.count < limit {
            for indices in members where round < indices.count && chosen.count < limit { chosen.append(indices[round]) }
            round += 1
        }
        return chosen.sorted()
    }

    private static func membersByClass(_ labels: [Int32]) -> [[Int]] {
        var members = [[Int]](repeating: [], count: Int(labels.max() ?? -1) + 1)
        for (index, label) in labels.enumerated() { members[Int(label)].append(index) }
        return members
    }

    private static func proportionalShares(of count: Int, sizes: [Int]) -> [Int] {
        let total = max(1, sizes.reduce(0, +))
        var shares = sizes.map { count * $0 / total }
        let rest = count - shares.reduce(0, +)
        let byRemainder = sizes.indices.sorted { a, b in
            let (x, y) = (count * sizes[a] % total, count * sizes[b] % total)
            return x != y ? x > y : a < b
        }
        for label in byRemainder.prefix(rest) { shares[label] += 1 }
        return shares
    }
}
