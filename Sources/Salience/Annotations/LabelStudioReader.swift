import Diagnostics
import Foundation
import Images

/// Label Studio's JSON: a list of tasks with annotations whose values are in percent of the image. A rectangle's x and y are its
/// upper left corner after it was turned about that corner. Cancelled annotations are skipped, and so are predictions, unless
/// they are asked for. A task that nobody finished is unseen.
enum LabelStudioReader {
    private struct Task: Decodable {
        var data: [String: JSONText]?
        var annotations: [Annotation]?
        var completions: [Annotation]?
        var predictions: [Annotation]?
    }

    private struct Annotation: Decodable {
        var result: [Result]?
        var was_cancelled: Bool?
    }

    private struct Result: Decodable {
        var type: String?
        var value: Value?
        var original_width: Double?
        var original_height: Double?
    }

    private struct Value: Decodable {
        var x: Double?
        var y: Double?
        var width: Double?
        var height: Double?
        var radiusX: Double?
        var radiusY: Double?
        var rotation: Double?
        var points: [[Double]]?
        var rle: [Int]?
        var rectanglelabels: [String]?
        var polygonlabels: [String]?
        var brushlabels: [String]?
        var ellipselabels: [String]?
        var labels: [String]?
    }

    /// A string; anything else is passed over.
    private struct JSONText: Decodable {
        var text: String?

        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }

    static func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        try MappedFile(path).withUnsafeBytes { try parse($0, name: path, options) }
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, name: String, _ options: AnnotationOptions) throws -> Annotations {
        var found = Annotations()
        var (cancelled, predicted, number) = (0, 0, 0)
        func add(_ element: Slice<UnsafeRawBufferPointer>, to found: inout Annotations, place: String) throws {
            let task = try decodedAnnotation(Task.self, from: element, place: place)
            guard let address = address(task.data ?? [:]) else {
                throw Failure.badData("\(place): data names no image", remedy: "expected the field image, as Label Studio's JSON has it")
            }
            var image = ImageAnnotation(names: names(address))
            let all = task.annotations ?? task.completions ?? []
            var used = all.filter { $0.was_cancelled != true }
            cancelled += all.count - used.count
            let predictions = task.predictions ?? []
            if used.isEmpty, options.takesPredictions {
                used = Array(predictions.prefix(1))
            } else if used.isEmpty {
                predicted += predictions.count
            }
            image.wasSeen = !used.isEmpty
            for result in used.flatMap({ $0.result ?? [] }) { try LabelStudioReader.add(result, to: &image, place: place) }
            found.images.append(image)
        }
        try JSONElements.forEach(of: bytes, name: name) { key, element in
            guard key.isEmpty else {
                throw Failure.badData("\(name): the outermost value is an object", remedy: "expected Label Studio's JSON, a list of tasks (not JSON-MIN)")
            }
            number += 1
            try found.reading(options) { try add(element, to: &$0, place: "\(name), task \(number)") }
        }
        if cancelled > 0 { found.notes.append("\(cancelled) cancelled annotations are skipped") }
        if predicted > 0 { found.notes.append("\(predicted) predictions are skipped, for nobody confirmed them (--predictions takes them)") }
        if options.takesPredictions { found.settings["predictions"] = .flag(true) }
        return found
    }

    private static func address(_ data: [String: JSONText]) -> String? {
        for key in ["image", "img", "url", "image_url"] { if let text = data[key]?.text { return text } }
        return data.sorted { $0.key < $1.key }.compactMap(\.value.text).first { $0.contains("/") || $0.contains(".") }
    }

    /// An uploaded file's name begins with eight hexadecimal digits and a hyphen; local storage has the path after `?d=`.
    private static func names(_ address: String) -> [String] {
        var path = address
        if let range = path.range(of: "?d=") { path = String(path[range.upperBound...]) }
        if let end = path.firstIndex(where: { $0 == "?" || $0 == "#" }) { path = String(path[..<end]) }
        path = path.removingPercentEncoding ?? path
        if let scheme = path.range(of: "://") { path = String(path[scheme.upperBound...]) }
        while path.hasPrefix("/") { path.removeFirst() }
        let last = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        let prefix = last.prefix(8)
        let isUploaded = prefix.count == 8 && prefix.allSatisfy(\.isHexDigit) && last.dropFirst(8).first == "-"
        return [path] + (isUploaded ? [String(last.dropFirst(9))] : [])
    }

    private static func add(_ result: Result, to image: inout ImageAnnotation, place: String) throws {
        // Relations have no value.
        guard let value = result.value, let type = result.type else { return }
        let labels = value.rectanglelabels ?? value.polygonlabels ?? value.brushlabels ?? value.ellipselabels ?? value.labels ?? [""]
        if let size = PixelSize(declaredWidth: result.original_width, height: result.original_height) {
            guard image.size == nil || image.size == size else {
                throw Failure.badData("\(place): sizes \(image.size!) and \(size) for one image", remedy: "export it again")
            }
            image.size = size
        }
        let shape: ImageAnnotation.Shape
        func size() throws -> PixelSize {
            guard let size = image.size else {
                throw Failure.badData("\(place): a \(type) without original_width and original_height", remedy: "export it again, as JSON")
            }
            return size
        }
        switch type {
        case "rectanglelabels", "rectangle":
            let (size, box) = (try size(), [value.x, value.y, value.width, value.height].compactMap { $0 })
            guard box.count == 4, box.allSatisfy(\.isFinite) else { throw Failure.badData("\(place): a rectangle without x, y, width, height", remedy: "export it again") }
            let (x, y) = (box[0] / 100 * Double(size.width), box[1] / 100 * Double(size.height))
            let rectangle = Box(left: x, top: y, right: x + box[2] / 100 * Double(size.width), bottom: y + box[3] / 100 * Double(size.height))
            shape = .outline(Shapes.rotated(rectangle, about: Point(x: x, y: y), degrees: value.rotation ?? 0))
        case "polygonlabels", "polygon":
            let size = try size()
            let points = try (value.points ?? []).map { pair in
                guard pair.count == 2 else { throw Failure.badData("\(place): a corner of \(pair.count) numbers", remedy: "export it again") }
                return Point(x: pair[0] / 100 * Double(size.width), y: pair[1] / 100 * Double(size.height))
            }
            shape = .outline(.polygon(points))
        case "ellipselabels", "ellipse":
            let (size, numbers) = (try size(), [value.x, value.y, value.radiusX, value.radiusY].compactMap { $0 })
            guard numbers.count == 4 else { throw Failure.badData("\(place): an ellipse without x, y, radiusX, radiusY", remedy: "export it again") }
            let (width, height) = (Double(size.width) / 100, Double(size.height) / 100)
            shape = .outline(
                Shapes.ellipse(
                    centre: Point(x: numbers[0] * width, y: numbers[1] * height), radii: (numbers[2] * width, numbers[3] * height), degrees: value.rotation ?? 0))
        case "brushlabels", "brush":
            guard let rle = value.rle, rle.allSatisfy({ (0...255).contains($0) }) else { throw Failure.badData("\(place): a brush without rle", remedy: "export it again, as JSON") }
            shape = .mask(AnnotationMask(.brush(rle.map { UInt8($0) }), size: try size()))
        default:
            // Choices, ratings and texts among them: said of the whole image, they do not say that somebody looked for shapes.
            image.leftOut["results of type \(type.prefix(40))", default: 0] += 1
            return
        }
        image.regions += (labels.isEmpty ? [""] : labels).map { .init(label: $0, shape: shape) }
    }
}
