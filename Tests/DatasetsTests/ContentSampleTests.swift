import Datasets
import Diagnostics
import Foundation
import Images
import Kernels
import Testing

/// What fingerprints of files see of their contents, and splits of millions of images.
@Suite struct ContentSampleTests {
    private let settings = FitSettings(size: PixelSize(width: 8, height: 8), channels: .grey)

    /// Files that need not be images: nothing is decoded for a fingerprint.
    private func write(_ count: Int, bytes: Int, to folder: TemporaryFolder) throws {
        for index in 0..<count { try folder.write(pseudoRandomBytes(bytes, seed: UInt64(index)), to: "images/\(index % 2)/\(index).png") }
        let lines = (0..<count).map { "images/\($0 % 2)/\($0).png,\($0 % 2),train\n" }
        try folder.write(Array(("path,label,split\n" + lines.joined()).utf8), to: "list.csv")
    }

    private func fingerprint(_ path: String) throws -> String {
        try FileImages(ImageCollection(at: path, options: CollectionOptions(testShare: 0)), split: .train, settings: settings).fingerprint
    }

    private func flip(_ byte: Int, of name: String, in folder: TemporaryFolder) throws {
        var bytes = try ReadableFile.contents(of: folder.path + "/" + name)
        bytes[byte] ^= 1
        try folder.write(bytes, to: name)
    }

    /// Of a small set every byte is seen: in folders, manifests and shards.
    @Test func anyByteOfASmallSetIsSeen() throws {
        let folder = try TemporaryFolder()
        try write(6, bytes: 300, to: folder)
        for path in [folder.path + "/images", folder.path + "/list.csv"] {
            let before = try fingerprint(path)
            for (name, byte) in [("images/0/0.png", 0), ("images/1/3.png", 150), ("images/1/5.png", 299)] {
                try flip(byte, of: name, in: folder)
                #expect(try fingerprint(path) != before, "\(name) \(byte)")
                try flip(byte, of: name, in: folder)
                #expect(try fingerprint(path) == before)
            }
        }
    }

    /// Of a large file its ends and its size.
    @Test func theEndsOfALargeFileAreSeen() throws {
        let folder = try TemporaryFolder()
        try write(2, bytes: 100_000, to: folder)
        let path = folder.path + "/list.csv"
        let before = try fingerprint(path)
        for (byte, isSeen) in [(5, true), (50_000, false), (99_999, true)] {
            try flip(byte, of: "images/1/1.png", in: folder)
            #expect(try (fingerprint(path) != before) == isSeen, "\(byte)")
            try flip(byte, of: "images/1/1.png", in: folder)
        }
        try folder.write(pseudoRandomBytes(100_000, seed: 1) + [0], to: "images/1/1.png")
        #expect(try fingerprint(path) != before)
        try FileManager.default.removeItem(atPath: folder.path + "/images/1/1.png")
        #expect(try fingerprint(path) != before)
    }

    /// Of many files some, the first and the last among them; a set that differs everywhere is another.
    @Test func ofManyFilesSomeAreSeen() throws {
        let folder = try TemporaryFolder()
        try write(2500, bytes: 40, to: folder)
        let path = folder.path + "/list.csv"
        let before = try fingerprint(path)
        for name in ["images/0/0.png", "images/1/2499.png"] {
            try flip(7, of: name, in: folder)
            #expect(try fingerprint(path) != before, "\(name)")
            try flip(7, of: name, in: folder)
        }
        #expect(try fingerprint(path) == before)
        for index in 500..<900 { try flip(3, of: "images/\(index % 2)/\(index).png", in: folder) }
        #expect(try fingerprint(path) != before)
    }

    /// Against a plain reading of the rule: class by class, its groups in a drawn order, taken while that brings it nearer.
    @Test(arguments: [0, 1, 2]) func groupsAreDividedAsTheRuleSays(_ kind: Int) throws {
        let draw = Philox(seed: 4, purpose: .test, sample: kind)
        let labels = (0..<300).map { Int32(draw.uniform($0, below: 5)) }
        // Each for itself, in order; few, in order of their first image; any numbers.
        let groups = (0..<300).map { index -> Int32 in
            switch kind {
            case 0: Int32(index)
            case 1: Int32(index / 4)
            default: Int32(draw.uniform(1000 + index, below: 40) * 977 - 5000)
            }
        }
        var order: [Int32] = []
        for group in groups where !order.contains(group) { order.append(group) }
        let members = order.map { group in groups.indices.filter { groups[$0] == group } }
        func label(_ members: [Int]) -> Int {
            let counts = (0..<5).map { label in members.count { labels[$0] == Int32(label) } }
            return counts.firstIndex(of: counts.max()!)!
        }
        var chosen = Set<Int>()
        for name in 0..<5 {
            let own = members.filter { label($0) == name }
            let target = 0.3 * Double(own.reduce(0) { $0 + $1.count })
            var taken = 0.0
            for place in Philox(seed: 9, purpose: .validationSplit, sample: name).permutation(own.count)
            where abs(taken + Double(own[place].count) - target) < abs(taken - target) {
                taken += Double(own[place].count)
                chosen.formUnion(own[place])
            }
        }
        #expect(try ValidationSplit(labels: labels, groups: groups, fraction: 0.3, seed: 9).validation == chosen.sorted() && !chosen.isEmpty)
    }
}
