import Foundation

/// Pairs names of images with names of images or annotations, as people's folders have them: without extension, whatever the
/// Unicode normal form and the slashes; where the whole path is not found, by the last part, if that is unique. Where different
/// images differ by their extension alone (`cat.png`, `cat.jpg`), only a name with the same extension means one of them.
package struct NamePairing {
    private let names: [String]
    /// Without extension; nil where several have it, which are in `rivals`.
    private var whole: [String: Int?] = [:]
    /// Those that differ by their extension alone, by what they have in common.
    private var rivals: [String: [Int]] = [:]
    /// By the last part of the name without extension, the first of those that differ by their extension; nil where several have it.
    private var last: [String: Int?] = [:]

    /// - Parameter names: what is to be found, by its index; the first of equal names.
    package init(_ names: [String]) {
        self.names = names
        for (index, name) in names.enumerated() {
            let key = NamePairing.key(name)
            guard let known = whole[key] else {
                whole[key] = index
                let part = NamePairing.lastPart(key)
                last.updateValue(last[part] == nil ? index : nil, forKey: part)
                continue
            }
            let own = NamePairing.normal(name)
            if let known {
                if NamePairing.normal(names[known]) == own { continue }
                rivals[key] = [known]
                whole.updateValue(nil, forKey: key)
            }
            if exact(own, key) == nil { rivals[key]?.append(index) }
        }
    }

    /// The one of the rivals of `key` that has the last part and the extension of `name`.
    private func exact(_ name: String, _ key: String) -> Int? {
        let part = NamePairing.lastPart(NamePairing.normal(name))
        return rivals[key]?.first { NamePairing.lastPart(NamePairing.normal(names[$0])) == part }
    }

    /// The index of the name that `name` means; nil: none, or it is not clear which.
    package func find(_ name: String) -> Int? { findWhole(name) ?? findLast(name) }

    /// By the whole path.
    ///
    /// - Parameter isImage: whether the extension is the image's own; that of an annotation's file does not say which image is meant.
    package func findWhole(_ name: String, isImage: Bool = true) -> Int? {
        let key = NamePairing.key(name)
        guard let found = whole[key] else { return nil }
        return found ?? (isImage ? exact(name, key) : nil)
    }

    /// By the last part of the path, where only one has it.
    package func findLast(_ name: String, isImage: Bool = true) -> Int? {
        guard let first = last[NamePairing.lastPart(NamePairing.key(name))] ?? nil else { return nil }
        let key = NamePairing.key(names[first])
        if let found = whole[key], let found { return found }
        return isImage ? exact(name, key) : nil
    }

    /// The index of the first name that is the same, extension and all.
    package func findSame(_ name: String) -> Int? {
        guard let found = findWhole(name), NamePairing.normal(names[found]) == NamePairing.normal(name) else { return nil }
        return found
    }

    /// Those that `name` may mean where they differ by their extension alone, and it does not say which; else none.
    package func rivals(of name: String, isImage: Bool = true) -> [String] {
        var key = NamePairing.key(name)
        if whole[key] == nil {
            guard let found = last[NamePairing.lastPart(key)], let first = found else { return [] }
            key = NamePairing.key(names[first])
        }
        guard let all = rivals[key], !isImage || exact(name, key) == nil else { return [] }
        return all.map { names[$0] }.sorted()
    }

    /// For each of `names` its partner. Names of which only the last part is found have none if two of them have the same; nor
    /// have names that differ by their extension alone, where there is one partner for them all.
    package func pair(_ names: [String]) -> [Int?] {
        var pairs = names.map { findWhole($0) }
        var claimers = [Int?](repeating: nil, count: self.names.count)
        var contested: Set<Int> = []
        for (index, found) in pairs.enumerated() {
            guard let found else { continue }
            guard let other = claimers[found] else {
                claimers[found] = index
                continue
            }
            if NamePairing.normal(names[other]) != NamePairing.normal(names[index]) { contested.insert(found) }
        }
        for (index, found) in pairs.enumerated() {
            guard let found, contested.contains(found), NamePairing.normal(names[index]) != NamePairing.normal(self.names[found]) else { continue }
            pairs[index] = nil
        }
        let rest = names.indices.filter { pairs[$0] == nil && whole[NamePairing.key(names[$0])] == nil }
        var claims: [String: Int] = [:]
        for index in rest { claims[NamePairing.lastPart(NamePairing.key(names[index])), default: 0] += 1 }
        for index in rest where claims[NamePairing.lastPart(NamePairing.key(names[index]))] == 1 { pairs[index] = findLast(names[index]) }
        return pairs
    }

    /// With forward slashes, canonically composed.
    private static func normal(_ name: String) -> String {
        var name = name.precomposedStringWithCanonicalMapping
        if name.utf8.contains(UInt8(ascii: "\\")) { name = name.replacingOccurrences(of: "\\", with: "/") }
        while name.hasPrefix("./") { name.removeFirst(2) }
        return name
    }

    /// A path without extension, with forward slashes, canonically composed.
    package static func key(_ name: String) -> String { withoutExtension(normal(name)) }

    private static let extensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "jp2", "jxl", "ppm", "pgm", "pnm", "img",
        "xml", "txt", "json", "npy",
    ]

    /// Only endings of images and annotations are extensions: `part.v2` is a name.
    private static func withoutExtension(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), extensions.contains(name[name.index(after: dot)...].lowercased()) else { return name }
        let stem = name[..<dot]
        return stem.isEmpty || stem.hasSuffix("/") ? name : String(stem)
    }

    private static func lastPart(_ key: String) -> String { key.lastIndex(of: "/").map { String(key[key.index(after: $0)...]) } ?? key }
}
