import Foundation

/// Pairs names of images with names of images or annotations, as people's folders have them: without extension, whatever the
/// Unicode normal form and the slashes; where the whole path is not found, by the last part, if that is unique.
package struct NamePairing {
    private var whole: [String: Int] = [:]
    /// By the last part of the name; nil where several have it.
    private var last: [String: Int?] = [:]

    /// - Parameter names: what is to be found, by its index; the first of equal names.
    package init(_ names: [String]) {
        for (index, name) in names.enumerated() {
            let key = NamePairing.key(name)
            guard whole[key] == nil else { continue }
            whole[key] = index
            let part = NamePairing.lastPart(key)
            last.updateValue(last[part] == nil ? index : nil, forKey: part)
        }
    }

    /// The index of the name that `name` means; nil: none, or it is not clear which.
    package func find(_ name: String) -> Int? { findWhole(name) ?? findLast(name) }

    /// By the whole path.
    package func findWhole(_ name: String) -> Int? { whole[NamePairing.key(name)] }

    /// By the last part of the path, where only one has it.
    package func findLast(_ name: String) -> Int? { last[NamePairing.lastPart(NamePairing.key(name))] ?? nil }

    /// For each of `names` its partner. Names of which only the last part is found have none if two of them have the same.
    package func pair(_ names: [String]) -> [Int?] {
        var pairs = names.map { whole[NamePairing.key($0)] }
        var claims: [String: Int] = [:]
        for index in names.indices where pairs[index] == nil { claims[NamePairing.lastPart(NamePairing.key(names[index])), default: 0] += 1 }
        for index in names.indices where pairs[index] == nil {
            let part = NamePairing.lastPart(NamePairing.key(names[index]))
            if claims[part] == 1 { pairs[index] = last[part] ?? nil }
        }
        return pairs
    }

    /// A path without extension, with forward slashes, canonically composed.
    package static func key(_ name: String) -> String {
        var name = name.precomposedStringWithCanonicalMapping
        if name.utf8.contains(UInt8(ascii: "\\")) { name = name.replacingOccurrences(of: "\\", with: "/") }
        while name.hasPrefix("./") { name.removeFirst(2) }
        return withoutExtension(name)
    }

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
