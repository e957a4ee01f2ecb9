import Diagnostics
import Foundation
import Images

/// CVAT's XML ("CVAT for images 1.1"): per image boxes, which may be rotated about their centre, polygons, ellipses, and masks in
/// runs along the rows of their own box. An image without shapes has none. Tracks of videos are not supported.
enum CVATReader {
    static func read(_ files: AnnotationFiles, _ options: AnnotationOptions) throws -> Annotations {
        var found = Annotations()
        var tracks = 0
        try files.forEach(options, into: &found) { bytes, name, found in tracks += try add(bytes, name: files.whole(name), options, to: &found) }
        if tracks > 0 {
            guard !found.images.isEmpty else {
                throw Failure.badData("\(files.path): holds \(tracks) tracks of a video and no images", remedy: "export the task as \"CVAT for images 1.1\"")
            }
            found.notes.append("\(tracks) tracks of videos are left out: export as \"CVAT for images 1.1\" to have them")
        }
        return found
    }

    /// - Returns: tracks, which are not supported.
    static func add(_ bytes: [UInt8], name: String, _ options: AnnotationOptions, to found: inout Annotations) throws -> Int {
        var scanner = XMLScanner(bytes, name: name)
        var tracks = 0
        let root = try scanner.forEachElement(named: ["image", "track"]) { element in
            if element.name == "track" { tracks += 1 } else { try found.reading(options) { $0.images.append(try image(element, name: name)) } }
        }
        guard root == "annotations" else {
            throw Failure.badData("\(name): the outermost element is <\(root)>, expected <annotations>", remedy: "expected CVAT for images 1.1")
        }
        return tracks
    }

    private static func image(_ element: XMLElement, name: String) throws -> ImageAnnotation {
        let title = element.attributes["name"] ?? ""
        guard !title.isEmpty else { throw Failure.badData("\(name): an <image> without a name", remedy: "export it again") }
        var image = ImageAnnotation(
            names: [title],
            size: PixelSize(declaredWidth: element.attributes["width"].flatMap(Double.init), height: element.attributes["height"].flatMap(Double.init)))
        for shape in element.children {
            let place = "\(name), \(title), <\(shape.name)>"
            func number(_ key: String) throws -> Double {
                guard let text = shape.attributes[key], let value = Double(text), value.isFinite else {
                    throw Failure.badData("\(place): \(key) is \(shape.attributes[key].map { "\"\($0.prefix(20))\"" } ?? "missing")", remedy: "expected a number")
                }
                return value
            }
            let rotation = shape.attributes["rotation"] == nil ? 0 : try number("rotation")
            let found: ImageAnnotation.Shape?
            switch shape.name {
            case "box":
                let box = Box(left: try number("xtl"), top: try number("ytl"), right: try number("xbr"), bottom: try number("ybr"))
                let centre = Point(x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2)
                found = .outline(Shapes.rotated(box, about: centre, degrees: rotation))
            case "polygon": found = .outline(.polygon(try points(shape, place: place)))
            case "ellipse":
                found = .outline(
                    Shapes.ellipse(
                        centre: Point(x: try number("cx"), y: try number("cy")), radii: (try number("rx"), try number("ry")), degrees: rotation))
            case "mask":
                let sides = try ["width", "height", "left", "top"].map { try number($0) }
                guard sides[0] >= 1, sides[1] >= 1, sides.allSatisfy({ abs($0) <= 1_000_000 }) else {
                    throw Failure.badData("\(place): a mask of \(sides[0])×\(sides[1])", remedy: "export it again")
                }
                let runs = try (shape.attributes["rle"] ?? "").split(separator: ",").map { text in
                    guard let run = Int(text.trimmingCharacters(in: .whitespaces)) else { throw Failure.badData("\(place): rle holds \"\(text.prefix(20))\"", remedy: "export it again") }
                    return run
                }
                found = .mask(
                    AnnotationMask(
                        .runs(runs, byColumn: false), size: PixelSize(width: Int(sides[0]), height: Int(sides[1])), left: Int(sides[2]), top: Int(sides[3])))
            default:
                // A tag is said of the whole image, and does not say that somebody looked for shapes.
                image.leftOut[shape.name == "tag" ? "tags of whole images" : "shapes of kind \(shape.name)", default: 0] += 1
                found = nil
            }
            if let found { image.regions.append(.init(label: shape.attributes["label"] ?? "", shape: found)) }
        }
        return image
    }

    private static func points(_ shape: XMLElement, place: String) throws -> [Point] {
        try (shape.attributes["points"] ?? "").split(separator: ";").map { pair in
            let numbers = pair.split(separator: ",").compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
            guard numbers.count == 2, numbers.allSatisfy(\.isFinite) else {
                throw Failure.badData("\(place): points hold \"\(pair.prefix(20))\"", remedy: "expected x,y;x,y;…")
            }
            return Point(x: numbers[0], y: numbers[1])
        }
    }
}

/// Shapes that become polygons.
enum Shapes {
    /// Corners of a circle's or ellipse's polygon: its area is 0.16 % short.
    private static let corners = 64

    /// A box turned clockwise, as seen, about a point.
    static func rotated(_ box: Box, about centre: Point, degrees: Double) -> Outline {
        guard degrees.truncatingRemainder(dividingBy: 360) != 0 else { return .box(box) }
        let corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        return .polygon(corners.map { turned(Point(x: $0.0, y: $0.1), about: centre, degrees: degrees) })
    }

    static func ellipse(centre: Point, radii: (Double, Double), degrees: Double = 0) -> Outline {
        .polygon(
            (0..<corners).map { number in
                let angle = 2 * Double.pi * Double(number) / Double(corners)
                return turned(Point(x: centre.x + radii.0 * cos(angle), y: centre.y + radii.1 * sin(angle)), about: centre, degrees: degrees)
            })
    }

    private static func turned(_ point: Point, about centre: Point, degrees: Double) -> Point {
        let angle = degrees * .pi / 180
        let (x, y) = (point.x - centre.x, point.y - centre.y)
        return Point(x: centre.x + x * cos(angle) - y * sin(angle), y: centre.y + x * sin(angle) + y * cos(angle))
    }
}
