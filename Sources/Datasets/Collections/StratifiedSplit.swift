import Diagnostics
import Kernels

/// Divides images in two, each class in proportion, without separating images of one group.
///
/// A group belongs to the class that most of its images have (the lower one of two). Class by class, its groups are shuffled by
/// (seed, validationSplit, class) and taken while that brings the class nearer to its share; so a class is off by at most half
/// of its largest group.
struct StratifiedSplit {
    /// One flag per image: whether it is in the part of size `share`.
    let isChosen: [Bool]

    /// - Parameters:
    ///   - groups: a number per image, any numbers; equal ones stay together.
    init(labels: [Int32], groups: [Int32], share: Double, seed: UInt64) {
        var members: [Int32: [Int]] = [:]
        var order: [Int32] = []
        for (index, group) in groups.enumerated() {
            if members[group] == nil { order.append(group) }
            members[group, default: []].append(index)
        }
        let classes = Int(labels.max() ?? -1) + 1
        var groupsOfClass = [[[Int]]](repeating: [], count: classes)
        for group in order {
            let indices = members[group]!
            groupsOfClass[StratifiedSplit.majority(indices.map { labels[$0] })].append(indices)
        }
        var chosen = [Bool](repeating: false, count: labels.count)
        for (label, groups) in groupsOfClass.enumerated() where !groups.isEmpty {
            let target = share * Double(groups.reduce(0) { $0 + $1.count })
            var taken = 0.0
            for place in Philox(seed: seed, purpose: .validationSplit, sample: label).permutation(groups.count) {
                let size = Double(groups[place].count)
                guard abs(taken + size - target) < abs(taken - target) else { continue }
                taken += size
                for index in groups[place] { chosen[index] = true }
            }
        }
        isChosen = chosen
    }

    private static func majority(_ labels: [Int32]) -> Int {
        var counts: [Int32: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        return Int(counts.min { ($1.value, $0.key) < ($0.value, $1.key) }!.key)
    }
}

extension ImageCollection {
    /// Gives every image a split. Where some have one and others do not, nobody can say what was meant: an error.
    mutating func assignSplits(share: Double, seed: UInt64) throws {
        let without = entries.count { $0.split == nil }
        if without == entries.count {
            let isTest = StratifiedSplit(labels: entries.map(\.label), groups: groupNumbers, share: share, seed: seed).isChosen
            for index in entries.indices { entries[index].split = isTest[index] ? .test : .train }
        } else if without > 0 {
            let first = entries.first { $0.split == nil }!
            throw Failure.badData(
                "\(folder): \(without) of \(entries.count) images have no split, \(first.path) is the first",
                remedy: "give all images a split (train or test), or none: then the test images are drawn")
        }
    }

    /// A number per image, equal within a group.
    var groupNumbers: [Int32] {
        var numbers: [String: Int32] = [:]
        var next: Int32 = 0
        return entries.map { entry in
            if let group = entry.group, let number = numbers[group] { return number }
            defer { next += 1 }
            if let group = entry.group { numbers[group] = next }
            return next
        }
    }

    /// Groups that somebody's splits separate, by name.
    package var separatedGroups: [String] {
        var seen: [String: DatasetSplit] = [:]
        var separated = Set<String>()
        for entry in entries {
            guard let group = entry.group, let split = entry.split else { continue }
            if let other = seen.updateValue(split, forKey: group), other != split { separated.insert(group) }
        }
        return separated.sorted()
    }
}
