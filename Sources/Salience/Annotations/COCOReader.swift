import Diagnostics
import Images

/// COCO: one JSON with `images`, `annotations` and `categories`. Boxes are x, y, width, height from 0; shapes are polygons
/// (a list, or a list of lists), or masks in runs down the columns (a list, or COCO's text). Where there is a shape, it
/// counts and not the box. An image in `images` without annotations has none: somebody looked.
enum COCOReader {
    private struct Image: Decodable {
        var id: FlexibleID
        var file_name: String
        var width: Double?
        var height: Double?
    }

    private struct Category: Decodable {
        var id: FlexibleID
        var name: String
    }

    /// As much of an annotation as says where it belongs.
    private struct Owner: Decodable {
        var image_id: FlexibleID
    }

    private struct Annotation: Decodable {
        var image_id: FlexibleID
        var category_id: FlexibleID?
        var bbox: [Double]?
        var segmentation: Segmentation?
    }

    private enum Segmentation: Decodable {
        case polygons([[Double]])
        case runs([Int], size: [Int])
        case text(String, size: [Int])

        private enum Key: CodingKey { case size, counts }

        init(from decoder: any Decoder) throws {
            if let container = try? decoder.container(keyedBy: Key.self) {
                let size = try container.decode([Int].self, forKey: .size)
                if let text = try? container.decode(String.self, forKey: .counts) {
                    self = .text(text, size: size)
                } else {
                    self = .runs(try container.decode([Int].self, forKey: .counts), size: size)
                }
                return
            }
            let container = try decoder.singleValueContainer()
            if let flat = try? container.decode([Double].self) {
                self = .polygons(flat.isEmpty ? [] : [flat])
            } else {
                self = .polygons(try container.decode([[Double]].self))
            }
        }
    }

    static func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        try MappedFile(path).withUnsafeBytes { try parse($0, name: path, options) }
    }

    /// Categories and images may come after the annotations that name them.
    static func parse(_ bytes: UnsafeRawBufferPointer, name: String, _ options: AnnotationOptions) throws -> Annotations {
        var found = Annotations()
        var numbers: [String: Int] = [:]
        var categories: [String: String] = [:]
        var orphans = 0
        var counts: [String: Int] = [:]
        try JSONElements.forEach(of: bytes, name: name) { key, element in
            counts[key, default: 0] += 1
            let place = "\(name), \(key)[\(counts[key]! - 1)]"
            try found.reading(options) { found in
                switch key {
                case "images":
                    let image = try decodedAnnotation(Image.self, from: element, place: place)
                    guard numbers[image.id.text] == nil else {
                        throw Failure.badData("\(place): the id \(image.id.text) is there twice", remedy: "give each image an id of its own")
                    }
                    numbers[image.id.text] = found.images.count
                    found.images.append(.init(names: [image.file_name], size: PixelSize(declaredWidth: image.width, height: image.height)))
                case "categories":
                    let category = try decodedAnnotation(Category.self, from: element, place: place)
                    categories[category.id.text] = category.name
                default: break
                }
            }
        }
        guard counts["images"] != nil else {
            throw Failure.badData("\(name): holds no images", remedy: "expected COCO with images, annotations and categories (not a file of results)")
        }
        var number = 0
        try JSONElements.forEach(of: bytes, name: name) { key, element in
            guard key == "annotations" else { return }
            defer { number += 1 }
            let place = "\(name), annotations[\(number)]"
            let isRead = try found.reading(options) { found in
                let annotation = try decodedAnnotation(Annotation.self, from: element, place: place)
                guard let image = numbers[annotation.image_id.text] else {
                    orphans += 1
                    return
                }
                let label = annotation.category_id.map { categories[$0.text] ?? $0.text } ?? ""
                let shapes = try shapes(annotation, place: place)
                if shapes.isEmpty { found.images[image].leftOut["annotations without box or shape", default: 0] += 1 }
                found.images[image].regions += shapes.map { .init(label: label, shape: $0) }
            }
            // Its image is not seen empty for that.
            if !isRead, let owner = try? decodedAnnotation(Owner.self, from: element, place: place), let image = numbers[owner.image_id.text] {
                found.images[image].leftOut["annotations that cannot be read", default: 0] += 1
            }
        }
        if orphans > 0 { found.notes.append("\(orphans) annotations name an image that is not in images") }
        return found
    }

    private static func shapes(_ annotation: Annotation, place: String) throws -> [ImageAnnotation.Shape] {
        switch annotation.segmentation {
        // An empty polygon is none: then the box counts.
        case .polygons(let polygons) where polygons.contains(where: { !$0.isEmpty }):
            return try polygons.filter { !$0.isEmpty }.map { numbers in
                // Four numbers are a box, as cocoapi takes them.
                if numbers.count == 4 { return .outline(try box(numbers, place: place)) }
                guard numbers.count >= 6, numbers.count % 2 == 0, numbers.allSatisfy(\.isFinite) else {
                    throw Failure.badData("\(place): a polygon of \(numbers.count) numbers", remedy: "expected x, y, x, y, … of at least three corners")
                }
                return .outline(.polygon(stride(from: 0, to: numbers.count, by: 2).map { Point(x: numbers[$0], y: numbers[$0 + 1]) }))
            }
        case .runs(let runs, let size): return [.mask(AnnotationMask(.runs(runs, byColumn: true), size: try maskSize(size, place: place)))]
        case .text(let text, let size):
            return [.mask(AnnotationMask(.runs(try MaskRuns.decode(text, name: place), byColumn: true), size: try maskSize(size, place: place)))]
        case .polygons, nil:
            return try annotation.bbox.map { $0.isEmpty ? [] : [.outline(try box($0, place: place))] } ?? []
        }
    }

    private static func maskSize(_ size: [Int], place: String) throws -> PixelSize {
        guard size.count == 2, (1...1_000_000).contains(size[0]), (1...1_000_000).contains(size[1]) else {
            throw Failure.badData("\(place): a mask of size \(size)", remedy: "expected [height, width]")
        }
        return PixelSize(width: size[1], height: size[0])
    }

    private static func box(_ numbers: [Double], place: String) throws -> Outline {
        guard numbers.count == 4, numbers.allSatisfy(\.isFinite) else {
            throw Failure.badData("\(place): \(numbers) is no box", remedy: "expected x, y, width, height")
        }
        return .box(Box(left: numbers[0], top: numbers[1], right: numbers[0] + numbers[2], bottom: numbers[1] + numbers[3]))
    }
}
