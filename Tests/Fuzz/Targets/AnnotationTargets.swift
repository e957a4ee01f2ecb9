import Images
import Salience

extension FuzzTarget {
    static let voc = annotations("voc", .voc, file: "a.xml")
    static let coco = annotations("coco", .coco, file: "a.json")
    static let csv = annotations("boxes-csv", .csv, file: "a.csv")
    static let cvat = annotations("cvat", .cvat, file: "a.xml")
    static let labelStudio = annotations("labelstudio", .labelstudio, file: "a.json")
    static let labelMe = annotations("labelme", .labelme, file: "a.json")
    static let maskPNG = annotations("mask-png", .png, file: "a.png")

    /// `data.yaml` (a part) and a file of boxes.
    static let yolo: FuzzTarget = {
        let folder = ScratchFolder("yolo")
        return FuzzTarget("yolo") { input in
            var input = input
            folder.write(input.part(), to: "data.yaml")
            folder.write(input.bytes, to: "a.txt")
            try check(AnnotationFormat.yolo.read(folder.path, AnnotationOptions()))
        }
    }()

    /// Images, boxes, labels (parts) and classes.
    static let cub: FuzzTarget = {
        let folder = ScratchFolder("cub")
        return FuzzTarget("cub") { input in
            var input = input
            for name in ["images.txt", "bounding_boxes.txt", "image_class_labels.txt"] { folder.write(input.part(), to: name) }
            folder.write(input.bytes, to: "classes.txt")
            try check(AnnotationFormat.cub.read(folder.path, AnnotationOptions()))
        }
    }()

    /// Header, index, maps, outlines (parts) and records of a store; what is accepted can be read.
    static let salienceStore: FuzzTarget = {
        let folder = ScratchFolder("store")
        return FuzzTarget("salience-store") { input in
            var input = input
            for name in ["salience.json", "index.bin", "maps.u8", "outlines.bin"] { folder.write(input.part(), to: name) }
            folder.write(input.bytes, to: "records.jsonl")
            let store = try SalienceStore(folder.path)
            for part in store.header.parts where part.dataset.count > 0 && store.header.size.pixels <= 1 << 16 {
                let maps = try StoredSalience(store, split: part.dataset.split)
                var map = [Float](repeating: .nan, count: maps.size.pixels)
                for index in 0..<maps.count {
                    try maps.read(index, into: &map)
                    guard map.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { fatalError("map \(index) has a value outside [0, 1]") }
                    guard maps.state(of: index) == .map || map.allSatisfy({ $0 == 0 }) else { fatalError("map \(index) is of no image with a map") }
                }
                try maps.forEachRecord { _, record in _ = record.asReplaced }
            }
            try store.verify()
        }
    }()

    private static func annotations(_ name: String, _ format: AnnotationFormat, file: String) -> FuzzTarget {
        let folder = ScratchFolder(name)
        return FuzzTarget(name) { input in try check(format.read(folder.write(input.bytes, to: file), AnnotationOptions())) }
    }

    /// All of them are put on an image, which is turned; some will not fit.
    private static func check(_ found: Annotations) throws {
        let size = PixelSize(width: 8, height: 6)
        let importer = SalienceImporter(targets: [], datasets: [], classNames: [], size: PixelSize(width: 4, height: 4), fit: .crop, options: AnnotationOptions(), createdBy: "fuzz")
        for image in found.images {
            let target = SalienceImporter.Target(name: "image", storedSize: size, orientation: .quarterTurn, label: 0)
            switch try importer.content(of: image, on: target) {
            case .pixels(let pixels): guard pixels.count == 16 else { fatalError("\(pixels.count) pixels") }
            case .outlines(let map):
                let drawn = FitRule.crop.geometry(from: map.size, to: PixelSize(width: 4, height: 4)).draw(map.outlines)
                guard drawn.values.count == 16 else { fatalError("\(drawn.values.count) pixels") }
            case .empty, .unseen: break
            }
        }
    }
}
