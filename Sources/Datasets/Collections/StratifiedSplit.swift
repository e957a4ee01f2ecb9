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
        let members = GroupMembers(groups)
        let classes = Int(labels.max() ?? -1) + 1
        var groupsOfClass = [[Int32]](repeating: [], count: classes)
        for group in 0..<members.count {
            groupsOfClass[StratifiedSplit.majority(members[group].lazy.map { labels[Int($0)] })].append(Int32(group))
        }
        var chosen = [Bool](repeating: false, count: labels.count)
        for (label, groups) in groupsOfClass.enumerated() where !groups.isEmpty {
            let target = share * Double(groups.reduce(0) { $0 + members[Int($1)].count })
            var taken = 0.0
            for place in Philox(seed: seed, purpose: .validationSplit, sample: label).permutation(groups.count) {
                let images = members[Int(groups[place])]
                let size = Double(images.count)
                guard abs(taken + size - target) < abs(taken - target) else { continue }
                taken += size
                for index in images { chosen[Int(index)] = true }
            }
        }
        isChosen = chosen
    }

    private static func majority(_ labels: some Collection<Int32>) -> Int {
        // Most images are a group of their own.
        if labels.count == 1 { return Int(labels.first!) }
        var counts: [Int32: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        return Int(counts.min { ($1.value, $0.key) < ($0.value, $1.key) }!.key)
    }
}

/// The images of each group, groups in the order of their first image. A few bytes per image: there may be millions.
private struct GroupMembers {
    /// Where each group begins in `images`, and its end.
    private var starts: [Int32]
    private var images: [Int32]

    init(_ groups: [Int32]) {
        var ids: [Int32: Int32] = [:]
        var next: Int32 = 0
        // Numbers in the order of their first use, as `groupNumbers` gives them, need no table.
        var isDense = true
        for group in groups where isDense {
            if group == next { next += 1 } else if group < 0 || group > next { isDense = false }
        }
        var numbers = groups
        if !isDense {
            next = 0
            for (index, group) in groups.enumerated() {
                if let id = ids[group] {
                    numbers[index] = id
                } else {
                    (ids[group], numbers[index]) = (next, next)
                    next += 1
                }
            }
        }
        starts = [Int32](repeating: 0, count: Int(next) + 1)
        for number in numbers { starts[Int(number) + 1] += 1 }
        for group in 0..<Int(next) { starts[group + 1] += starts[group] }
        images = [Int32](repeating: 0, count: groups.count)
        var place = starts
        for (index, number) in numbers.enumerated() {
            images[Int(place[Int(number)])] = Int32(index)
            place[Int(number)] += 1
        }
    }

    var count: Int { starts.count - 1 }

    subscript(group: Int) -> ArraySlice<Int32> { images[Int(starts[group])..<Int(starts[group + 1])] }
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

    /// A number per image, equal within a group. A file that a manifest lists again is one group with itself.
    var groupNumbers: [Int32] {
        var numbers: [String: Int32] = [:]
        var next: Int32 = 0
        let named: [Int32] = entries.map { entry in
            if let group = entry.group, let number = numbers[group] { return number }
            defer { next += 1 }
            if let group = entry.group { numbers[group] = next }
            return next
        }
        guard layout == .manifest else { return named }
        var sets = DisjointSets(Int(next))
        var places: [String: Int32] = [:]
        places.reserveCapacity(entries.count)
        for (entry, number) in zip(entries, named) {
            if let other = places.updateValue(number, forKey: entry.path), other != number { sets.join(Int(other), Int(number)) }
        }
        return named.map { Int32(sets.root(Int($0))) }
    }

    /// `groupNumbers`; nil where each image stands for itself.
    var sharedGroups: [Int32]? {
        let numbers = groupNumbers
        return entries.contains { $0.group != nil } || numbers.indices.contains { numbers[$0] != $0 } ? numbers : nil
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

    /// - Throws: `Failure` with their names where splits separate groups: what is learnt of an image would help with its like.
    package func requireWholeGroups() throws {
        let names = separatedGroups
        guard !names.isEmpty else { return }
        throw Failure.badData(
            "\(folder): \(names.count) groups are in the training and in the test split: \(names.prefix(5).joined(separator: ", "))\(names.count > 5 ? ", …" : "")",
            remedy: "give all images of a group one split, or leave the splits out: then they are drawn")
    }
}
