import Diagnostics
import Foundation
import Images

/// Boxes in a table with a header line: `path,xmin,ymin,xmax,ymax` and where there are `label`, `width`, `height` (of the image). One line
/// per box; a line with a path and no numbers says that there is nothing. Places between pixels, counted from 0; shares of the image's
/// width and height where no number is above 1 and some are fractions, or the columns are those of Open Images.
enum CSVReader {
    private static let synonyms: [String: String] = [
        "file": "path", "filename": "path", "file_name": "path", "image": "path", "image_path": "path", "imageid": "path", "image_id": "path",
        "class": "label", "class_name": "label", "category": "label", "labelname": "label", "x1": "xmin", "y1": "ymin", "x2": "xmax", "y2": "ymax",
        "left": "xmin", "top": "ymin", "right": "xmax", "bottom": "ymax", "image_width": "width", "image_height": "height",
    ]

    static func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        try parse(ReadableFile.contents(of: path, limit: 4 << 30), name: path, options)
    }

    static func parse(_ bytes: [UInt8], name: String, _ options: AnnotationOptions) throws -> Annotations {
        try requireUTF8(bytes, name: name)
        var table = DelimitedText(bytes, name: name)
        guard let header = try table.next() else { throw Failure.badData("\(name): is empty", remedy: "expected a line of column names: path,xmin,ymin,xmax,ymax,label") }
        let words = header.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        let columns = words.map { synonyms[$0] ?? $0 }
        for required in ["path", "xmin", "ymin", "xmax", "ymax"] where !columns.contains(required) {
            throw Failure.badData(
                "\(name):1: there is no column \(required), found \(header.map { String($0.prefix(40)) }.joined(separator: ", "))",
                remedy: "name the columns in the first line: path,xmin,ymin,xmax,ymax and, if you have it, label")
        }
        var found = Annotations()
        var numbers: [String: Int] = [:]
        var (areShares, mayBeShares) = (options.convention == .auto, words.contains("imageid") && words.contains("labelname"))
        while let fields = try table.next() {
            let line = table.line
            var (box, path, label) = ([Double](), "", "")
            try found.reading(options) { found in
                guard fields.count == columns.count else {
                    throw Failure.badData("\(name):\(line): \(fields.count) fields, expected \(columns.count), as in the first line", remedy: "quote fields that hold the separator")
                }
                var row: [String: String] = [:]
                for (column, field) in zip(columns, fields) { row[column] = field.trimmingCharacters(in: .whitespaces) }
                (path, label) = (row["path"] ?? "", row["label"] ?? "")
                guard !path.isEmpty else { throw Failure.badData("\(name):\(line): there is no path", remedy: "name an image in every line") }
                let image = numbers[path] ?? found.images.count
                if numbers.updateValue(image, forKey: path) == nil { found.images.append(ImageAnnotation(names: [path])) }
                if let size = PixelSize(declaredWidth: row["width"].flatMap(Double.init), height: row["height"].flatMap(Double.init)) { found.images[image].size = size }
                let corners = ["xmin", "ymin", "xmax", "ymax"].map { row[$0] ?? "" }
                if corners.allSatisfy(\.isEmpty) { return }
                let values = corners.compactMap { Double($0.replacingOccurrences(of: ",", with: ".")) }
                guard values.count == 4, values.allSatisfy(\.isFinite) else {
                    // Its image is not seen empty for that.
                    found.images[image].leftOut["lines that cannot be read", default: 0] += 1
                    throw Failure.badData(
                        "\(name):\(line): \(corners.map { "\"\($0.prefix(20))\"" }.joined(separator: ", ")) is no box", remedy: "expected four numbers of pixels, or none where there is nothing")
                }
                box = values
            }
            guard box.count == 4, let image = numbers[path] else { continue }
            areShares = areShares && box.allSatisfy { (0...1).contains($0) }
            mayBeShares = mayBeShares || box.contains { $0 != $0.rounded() }
            let shift: Double = options.convention == .oneBased ? 1 : 0
            found.images[image].regions.append(
                .init(label: label, shape: .outline(.box(Box(left: box[0] - shift, top: box[1] - shift, right: box[2], bottom: box[3])))))
        }
        if areShares, mayBeShares, found.images.contains(where: { !$0.regions.isEmpty }) {
            for image in found.images.indices { found.images[image].isRelative = true }
            found.notes.append("coordinates: shares of the image's width and height (told by the numbers, none of which is above 1; --convention says otherwise)")
            found.settings["convention"] = .text("relative")
            return found
        }
        let isOneBased = options.convention == .oneBased
        found.notes.append("pixel convention: \(isOneBased ? "pixels counted from 1, both corners in the box" : "places between pixels, counted from 0 (--convention one-based says otherwise)")")
        found.settings["convention"] = .text(isOneBased ? "one-based" : "zero-based")
        return found
    }
}

/// CUB-200-2011's text files: `images.txt` (id, path), `bounding_boxes.txt` (id, x, y, width, height), and where they are
/// `image_class_labels.txt` and `classes.txt`. Lines are paired by id, never by order.
enum CUBReader {
    static func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        func contents(_ name: String) throws -> [UInt8] { try ReadableFile.contents(of: path + "/" + name) }
        func optional(_ name: String) throws -> [UInt8]? { access(path + "/" + name, F_OK) == 0 ? try contents(name) : nil }
        return try parse(
            images: contents("images.txt"), boxes: contents("bounding_boxes.txt"), labels: optional("image_class_labels.txt"),
            classes: optional("classes.txt"), name: path)
    }

    static func parse(images: [UInt8], boxes: [UInt8], labels: [UInt8]?, classes: [UInt8]?, name: String) throws -> Annotations {
        var found = Annotations()
        var numbers: [Substring: Int] = [:]
        let imageText = try annotationText(images, name: name + "/images.txt")
        for (line, fields) in lines(imageText, parts: 2) {
            guard fields.count == 2 else { throw failure("images.txt", line, "an id and a path", name) }
            guard numbers.updateValue(found.images.count, forKey: fields[0]) == nil else { throw failure("images.txt", line, "each id once", name) }
            found.images.append(ImageAnnotation(names: [fields[1].trimmingCharacters(in: .whitespaces)]))
        }
        var names: [Substring: String] = [:]
        let classText = try annotationText(classes ?? [], name: name + "/classes.txt")
        for (_, fields) in lines(classText, parts: 2) where fields.count == 2 { names[fields[0]] = fields[1].trimmingCharacters(in: .whitespaces) }
        var labelOf: [Int: String] = [:]
        let labelText = try annotationText(labels ?? [], name: name + "/image_class_labels.txt")
        for (line, fields) in lines(labelText, parts: 2) {
            guard fields.count == 2, let image = numbers[fields[0]] else { throw failure("image_class_labels.txt", line, "an id of images.txt and a class", name) }
            let label = fields[1].trimmingCharacters(in: .whitespaces)[...]
            labelOf[image] = names[label] ?? String(label)
        }
        for (line, fields) in lines(try annotationText(boxes, name: name + "/bounding_boxes.txt"), parts: 5) {
            let values = fields.dropFirst().compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
            guard fields.count == 5, values.count == 4, values.allSatisfy(\.isFinite), let image = numbers[fields[0]] else {
                throw failure("bounding_boxes.txt", line, "an id of images.txt, x, y, width and height", name)
            }
            found.images[image].regions.append(
                .init(label: labelOf[image] ?? "", shape: .outline(.box(Box(left: values[0], top: values[1], right: values[0] + values[2], bottom: values[1] + values[3])))))
        }
        // An image without a line in bounding_boxes.txt was not looked at.
        for image in found.images.indices where found.images[image].regions.isEmpty { found.images[image].wasSeen = false }
        found.notes.append("pixel convention: places between pixels, counted from 0")
        return found
    }

    private static func lines(_ text: String, parts: Int) -> [(Int, [Substring])] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap { number, line in
            let fields = line.split(maxSplits: parts - 1, whereSeparator: { $0 == " " || $0 == "\t" })
            return fields.isEmpty ? nil : (number + 1, fields)
        }
    }

    private static func failure(_ file: String, _ line: Int, _ expected: String, _ name: String) -> Failure {
        .badData("\(name)/\(file):\(line): expected \(expected)", remedy: "take the file of CUB_200_2011 as it is")
    }
}

/// A mask per image as PNG, of the image's name, in folders as the images are or in one.
enum PNGReader {
    static func read(_ files: AnnotationFiles, _ options: AnnotationOptions) throws -> Annotations {
        let indices = options.labels.map { Set($0.compactMap { Int($0) }) }
        if let labels = options.labels, indices?.count != labels.count {
            throw Failure.usage("--labels \(labels.sorted().joined(separator: ",")): masks have numbers", remedy: "name palette indices or grey values: --labels 1,2")
        }
        let meaning = PNGMask.Meaning(indices: indices, isInverted: options.invertsMasks)
        var found = try files.images(options) { bytes, path in
            let header = try bytes.withUnsafeBytes { bytes in
                guard ImageFormat(of: bytes) == .png else { return try RawPNG(bytes, name: path).header }
                return try ImageHeader(of: bytes, name: path)
            }
            var image = ImageAnnotation(names: [], size: header.storedSize)
            image.regions = [.init(label: "mask", shape: .mask(AnnotationMask(.file(path, meaning), size: header.storedSize)))]
            return image
        }
        if options.invertsMasks { found.settings["inverted"] = .flag(true) }
        return found
    }
}
