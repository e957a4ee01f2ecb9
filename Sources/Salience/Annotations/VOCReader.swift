import Diagnostics
import Images

/// Pascal VOC: one XML file per image. Paired by the file's own name, as `<filename>` and `<path>` are often wrong.
///
/// The kit counts pixels from 1 and includes both corners; many tools write places from 0. A 0, or a fraction, anywhere shows
/// the latter; the whole set is read one way.
enum VOCReader {
    static func read(_ files: AnnotationFiles, _ options: AnnotationOptions) throws -> Annotations {
        var found = try files.images(options, parse: parse)
        let isOneBased: Bool
        switch options.convention {
        case .oneBased: isOneBased = true
        case .zeroBased: isOneBased = false
        case .auto: isOneBased = found.images.allSatisfy { $0.regions.allSatisfy(mayBeOneBased) }
        }
        if isOneBased {
            for image in found.images.indices {
                for region in found.images[image].regions.indices {
                    if case .outline(.box(var box)) = found.images[image].regions[region].shape {
                        box.left -= 1
                        box.top -= 1
                        found.images[image].regions[region].shape = .outline(.box(box))
                    }
                }
            }
        }
        let convention = isOneBased ? "pixels counted from 1, both corners in the box" : "places between pixels, counted from 0"
        found.notes.append("pixel convention: \(convention)\(options.convention == .auto ? " (told by the numbers; --convention says otherwise)" : "")")
        found.settings["convention"] = .text(isOneBased ? "one-based" : "zero-based")
        return found
    }

    private static func mayBeOneBased(_ region: ImageAnnotation.Region) -> Bool {
        guard case .outline(.box(let box)) = region.shape else { return true }
        return [box.left, box.top, box.right, box.bottom].allSatisfy { $0 >= 1 && $0 == $0.rounded() }
    }

    /// Boxes with the numbers as they are in the file.
    static func parse(_ bytes: [UInt8], name: String) throws -> ImageAnnotation {
        var scanner = XMLScanner(bytes, name: name)
        var image: ImageAnnotation?
        _ = try scanner.forEachElement(named: ["annotation"]) { image = try annotation($0, name: name) }
        guard let image else {
            throw Failure.badData("\(name): holds no <annotation>", remedy: "expected Pascal VOC, a file per image")
        }
        return image
    }

    private static func annotation(_ element: XMLElement, name: String) throws -> ImageAnnotation {
        let size = element.child("size")
        // Some tools write a width of 0: then it is not known.
        var image = ImageAnnotation(
            names: [element.text("filename"), element.text("path")].compactMap { $0 },
            size: PixelSize(declaredWidth: size?.text("width").flatMap(Double.init), height: size?.text("height").flatMap(Double.init)))
        for (number, object) in element.children.filter({ $0.name == "object" }).enumerated() {
            let label = object.text("name") ?? ""
            guard let box = object.child("bndbox") else {
                image.leftOut["objects without <bndbox>", default: 0] += 1
                continue
            }
            let numbers = try ["xmin", "ymin", "xmax", "ymax"].map { side in
                guard let text = box.text(side), let value = Double(text), value.isFinite else {
                    throw Failure.badData(
                        "\(name): object \(number + 1) (\(label)): \(side) is \(box.text(side).map { "\"\($0)\"" } ?? "missing")", remedy: "expected a number of pixels")
                }
                return value
            }
            image.regions.append(.init(label: label, shape: .outline(.box(Box(left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3])))))
        }
        return image
    }
}
