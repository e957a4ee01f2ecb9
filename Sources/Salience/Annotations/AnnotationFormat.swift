import Diagnostics

/// The files in which people keep what they marked.
package enum AnnotationFormat: String, Sendable, CaseIterable {
    case png
    case voc
    case coco
    case yolo
    case csv
    case cub
    case cvat
    case labelstudio
    case labelme

    /// Reads all that is at `path`, a file or a folder.
    ///
    /// - Throws: `Failure` that names the file, the place in it and what was expected, unless `options` leave such files out.
    package func read(_ path: String, _ options: AnnotationOptions) throws -> Annotations {
        switch self {
        case .png: try PNGReader.read(AnnotationFiles(path, endings: ["png"]), options)
        case .voc: try VOCReader.read(AnnotationFiles(path, endings: ["xml"]), options)
        case .coco: try COCOReader.read(path, options)
        case .yolo: try YOLOReader.read(path, options)
        case .csv: try CSVReader.read(path, options)
        case .cub: try CUBReader.read(path, options)
        case .cvat: try CVATReader.read(AnnotationFiles(path, endings: ["xml"]), options)
        case .labelstudio: try LabelStudioReader.read(path, options)
        case .labelme: try LabelMeReader.read(AnnotationFiles(path, endings: ["json"]), options)
        }
    }

    /// Whether masks are told apart by labels that `AnnotationOptions.labels` chooses from after reading.
    package var hasNamedLabels: Bool { self != .png }
}
