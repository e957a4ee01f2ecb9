import Diagnostics
import Foundation
import Images

/// LabelMe's JSON: a file per image with shapes. Rectangles have two corners in any order, circles a centre and a point of the
/// rim, masks a PNG of their box. Lines and points have no area and are left out. Paired by the file's own name, for
/// `imagePath` is often stale; the picture that the file may hold is not looked at.
enum LabelMeReader {
    private struct File: Decodable {
        var shapes: [Shape]
        var imagePath: String?
        var imageHeight: Double?
        var imageWidth: Double?
    }

    private struct Shape: Decodable {
        var label: FlexibleID?
        var points: [[Double]]
        var shape_type: String?
        var mask: String?
    }

    static func read(_ files: AnnotationFiles, _ options: AnnotationOptions) throws -> Annotations {
        try files.images(options, parse: parse)
    }

    static func parse(_ bytes: [UInt8], name: String) throws -> ImageAnnotation {
        let file = try decodedAnnotation(File.self, from: bytes, place: name)
        var image = ImageAnnotation(
            names: file.imagePath.map { [$0] } ?? [], size: PixelSize(declaredWidth: file.imageWidth, height: file.imageHeight))
        for (number, shape) in file.shapes.enumerated() {
            let place = "\(name), shapes[\(number)]"
            let points = try shape.points.map { pair in
                guard pair.count == 2, pair.allSatisfy(\.isFinite) else { throw Failure.badData("\(place): a point of \(pair.count) numbers", remedy: "expected [x, y]") }
                return Point(x: pair[0], y: pair[1])
            }
            func require(_ count: Int) throws {
                guard points.count == count else {
                    throw Failure.badData("\(place): a \(shape.shape_type ?? "shape") of \(points.count) points, expected \(count)", remedy: "draw it again")
                }
            }
            let found: ImageAnnotation.Shape
            switch shape.shape_type ?? "polygon" {
            case "polygon": found = .outline(.polygon(points))
            case "rectangle":
                // Versions before 5.5 write two corners, later ones may write four.
                guard points.count == 2 || points.count == 4 else {
                    try require(2)
                    continue
                }
                found = .outline(points.count == 4 ? .polygon(points) : .box(Box(points[0], points[1])))
            case "circle":
                try require(2)
                let radius = hypot(points[1].x - points[0].x, points[1].y - points[0].y)
                found = .outline(Shapes.ellipse(centre: points[0], radii: (radius, radius)))
            case "mask":
                guard let text = shape.mask, let png = Data(base64Encoded: text, options: .ignoreUnknownCharacters), let corner = points.first,
                    abs(corner.x) <= 1_000_000, abs(corner.y) <= 1_000_000
                else { throw Failure.badData("\(place): a mask without its PNG or place", remedy: "draw it again") }
                let header = try png.withUnsafeBytes { try ImageHeader(of: $0, name: place) }
                found = .mask(
                    AnnotationMask(
                        .png(Array(png), .init(indices: nil, isInverted: false)), size: header.storedSize, left: Int(corner.x), top: Int(corner.y)))
            default:
                image.leftOut["shapes of kind \((shape.shape_type ?? "").prefix(40))", default: 0] += 1
                continue
            }
            image.regions.append(.init(label: shape.label?.text ?? "", shape: found))
        }
        return image
    }
}
