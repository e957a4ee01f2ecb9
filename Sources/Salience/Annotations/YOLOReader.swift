import Diagnostics
import Foundation
import Images

/// YOLO: one text file per image, of the image's name: lines of `class cx cy w h`, or `class x y x y x y …`, a polygon, in
/// shares of the image's size. No file: unseen; an empty one: nothing is there. Class names from `data.yaml` or `classes.txt`.
enum YOLOReader {
    private static let otherFiles: Set<String> = ["classes.txt", "readme.txt", "train.txt", "val.txt", "test.txt", "notes.txt", "requirements.txt"]

    static func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        let all = try AnnotationFiles(path, endings: ["txt"])
        let files = AnnotationFiles(all, names: all.names.filter { !otherFiles.contains(pathName($0).lowercased()) })
        let classNames = try classNames(near: path)
        var found = try files.images(options) { bytes, name in try parse(bytes, name: name, classNames: classNames) }
        let beyond = Set(found.images.flatMap { $0.regions.map(\.label) }).subtracting(classNames).compactMap { Int($0) }
        if let number = beyond.min(), !classNames.isEmpty {
            found.notes.append("WARNING: class \(number) has no name, there are \(classNames.count): do the files count classes from 1?")
        }
        found.notes.append(classNames.isEmpty ? "no data.yaml or classes.txt: classes are numbers" : "class names: \(classNames.joined(separator: ", "))")
        return found
    }

    static func parse(_ bytes: [UInt8], name: String, classNames: [String]) throws -> ImageAnnotation {
        var image = ImageAnnotation(names: [])
        image.isRelative = true
        // Not split at "\n": a carriage return and a line feed are one Character, which is not equal to it.
        let lines = try annotationText(bytes, name: name).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (line, text) in lines.enumerated() {
            let fields = text.split(whereSeparator: \.isWhitespace)
            if fields.isEmpty { continue }
            func failure(_ what: String) -> Failure {
                .badData("\(name):\(line + 1): \(what)", remedy: "expected a class number and shares of the width and height: class cx cy w h, or class x y x y x y …")
            }
            guard let label = Int(fields[0]) ?? Double(fields[0]).flatMap({ Int(exactly: $0) }), label >= 0 else { throw failure("the class is \"\(fields[0].prefix(20))\"") }
            let numbers = fields.dropFirst().compactMap { Double($0) }
            // Six: a box with a confidence.
            guard numbers.count == fields.count - 1, numbers.count == 4 || numbers.count == 5 || numbers.count >= 6 && numbers.count % 2 == 0 else {
                throw failure("\(fields.count) columns, or one that is no number")
            }
            guard numbers.allSatisfy({ $0.isFinite && $0 > -0.5 && $0 < 1.5 }) else {
                throw failure("\(numbers.first { !($0 > -0.5 && $0 < 1.5) } ?? 0) is no share of the image: pixels?")
            }
            let title = classNames.indices.contains(label) ? classNames[label] : "\(label)"
            let outline: Outline
            if numbers.count <= 5 {
                let (x, y, w, h) = (numbers[0], numbers[1], numbers[2], numbers[3])
                outline = .box(Box(left: x - w / 2, top: y - h / 2, right: x + w / 2, bottom: y + h / 2))
            } else {
                outline = .polygon(stride(from: 0, to: numbers.count, by: 2).map { Point(x: numbers[$0], y: numbers[$0 + 1]) })
            }
            image.regions.append(.init(label: title, shape: .outline(outline)))
        }
        return image
    }

    /// From a file in the folder, or one or two above it.
    private static func classNames(near path: String) throws -> [String] {
        var folder = path
        for _ in 0..<3 {
            for name in ["data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names"] {
                let file = folder + "/" + name
                guard access(file, R_OK) == 0, let bytes = try? ReadableFile.contents(of: file, limit: 1 << 20) else { continue }
                let text = try annotationText(bytes, name: file)
                let names = name.hasSuffix("ml") ? namesInYAML(text) : text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
                if !names.isEmpty { return names }
            }
            folder = pathFolder(folder)
        }
        return []
    }

    /// The list below `names:`, in the three ways in which it is written: `[a, b]`, `- a`, `0: a`.
    static func namesInYAML(_ text: String) -> [String] {
        func plain(_ text: some StringProtocol) -> String {
            let trimmed = text.trimmingCharacters(in: .whitespaces)
            guard trimmed.count >= 2, let quote = trimmed.first, quote == "'" || quote == "\"", trimmed.last == quote else { return trimmed }
            return String(trimmed.dropFirst().dropLast())
        }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("names:") }) else { return [] }
        var rest = lines[start].dropFirst("names:".count).trimmingCharacters(in: .whitespaces)
        if rest.hasPrefix("[") || rest.hasPrefix("{") {
            var next = start + 1
            var isOpen = !rest.contains("]") && !rest.contains("}")
            while isOpen, next < lines.count {
                rest += " " + lines[next]
                isOpen = !lines[next].contains("]") && !lines[next].contains("}")
                next += 1
            }
            let parts = rest.dropFirst().prefix { $0 != "]" && $0 != "}" }.split(separator: ",").map { plain($0) }.filter { !$0.isEmpty }
            return rest.hasPrefix("[") ? parts : numbered(parts.map { $0[...] }, plain)
        }
        let block = lines[(start + 1)...].prefix { $0.hasPrefix(" ") || $0.hasPrefix("\t") || $0.hasPrefix("-") || $0.trimmingCharacters(in: .whitespaces).isEmpty }
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        if block.allSatisfy({ $0.hasPrefix("-") }) { return block.map { plain($0.dropFirst()) } }
        return numbered(block.map { $0[...] }, plain)
    }

    private static func numbered(_ parts: [Substring], _ plain: (Substring) -> String) -> [String] {
        var names: [Int: String] = [:]
        for part in parts {
            guard let colon = part.firstIndex(of: ":"), let number = Int(part[..<colon].trimmingCharacters(in: .whitespaces)), (0..<100_000).contains(number) else { continue }
            names[number] = plain(part[part.index(after: colon)...])
        }
        guard let last = names.keys.max() else { return [] }
        return (0...last).map { names[$0] ?? "\($0)" }
    }
}
