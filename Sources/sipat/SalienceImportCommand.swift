import ArgumentParser
import Datasets
import Diagnostics
import Experiments
import Foundation
import Salience

struct SalienceImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read what people marked in other programs into maps for a data set.",
        discussion: """
            sipat salience import --data steel.pack --format voc steel/ANNOTATIONS --output steel-boxes

            Writes a folder of maps for all splits of the data set, with whose word each map is: for salience.maps and --salience.
            Annotations find images by name, without extension; where the whole path is not found, by its last part.

            png          a mask per image, of the image's name: grey, palette, 1 to 16 bits, 0/1; --labels 1,2 chooses values
            voc          Pascal VOC, an XML file per image
            coco         COCO: boxes, polygons, masks in runs
            yolo         a text file per image: boxes or polygons; no file: unseen, an empty one: confirmed empty
            csv          a table with path,xmin,ymin,xmax,ymax and perhaps label; pixels, or shares of the image's size (Open Images)
            cub          the folder CUB_200_2011 with its text files
            cvat         CVAT for images 1.1, XML
            labelstudio  Label Studio's JSON
            labelme      LabelMe's JSON, a file per image
            manifest     the columns boxes and salience of the data set's own manifest; takes no path
            """)

    @OptionGroup var data: SalienceDataOptions
    @Option(help: "One of those above.")
    var format: String
    @Argument(help: "Files or folders of annotations.")
    var paths: [String] = []
    @Option(help: "The folder to write.")
    var output: String
    @Option(help: "Labels that are salient, comma-separated; all if not given.")
    var labels: String?
    @Option(help: "voc and csv: auto, one-based (pixels counted from 1, both corners in the box), or zero-based (places between pixels).")
    var convention = "auto"
    @Option(help: "Images that EXIF turns, where the size that an annotation states does not tell: stored (it is of the file's pixels), upright (of the image as it is shown), or auto: upright, with a note.")
    var orientation = "auto"
    @Flag(help: "labelstudio: take the first prediction of tasks that nobody annotated.")
    var predictions = false
    @Flag(help: "png: black is salient.")
    var invert = false
    @Flag(help: "Replace the maps that are there; each record keeps the hash of what it replaces.")
    var force = false

    private enum Format: String, CaseIterable {
        case png, voc, coco, yolo, csv, cub, cvat, labelstudio, labelme, manifest
    }

    mutating func validate() throws {
        output = try expandingTilde(output)
        paths = try paths.map { try expandingTilde($0) }
    }

    func run() throws {
        try reportingFailures {
            let format: Format = try choice(format, flag: "--format")!
            guard (format == .manifest) == paths.isEmpty else {
                throw paths.isEmpty
                    ? Failure.usage("no path is given", remedy: "name the file or folder with the annotations after --format \(format.rawValue)")
                    : Failure.usage("--format manifest takes no path", remedy: "the manifest is the data set's own: --data list.csv")
            }
            var options = AnnotationOptions()
            options.labels = labels.map { Set($0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }).subtracting([""]) }
            guard options.labels?.isEmpty != true else {
                throw Failure.usage("--labels is empty", remedy: "name the labels that are salient, comma-separated, or leave --labels out: then all are")
            }
            options.skipsBadFiles = data.skipBad
            options.convention = try choice(convention, flag: "--convention")!
            options.frame = try choice(orientation, flag: "--orientation")!
            options.takesPredictions = predictions
            options.invertsMasks = invert
            try requireRoom(forStore: output, force: force, inputs: data.inputs + paths)
            let place = DatasetLoader.Name(rawValue: data.data) == .images ? data.dataDir : data.data
            let importer = SalienceImport(
                try data.sources(without: data.leftOut()), at: place, options: options, createdBy: "sipat \(Sipat.configuration.version)")
            var progress = ProgressLine()
            var last = monotonicSeconds()
            let report = try importer.run(AnnotationFormat(rawValue: format.rawValue), paths: paths, output: output) { done, total in
                guard monotonicSeconds() - last > 2 else { return }
                last = monotonicSeconds()
                progress.note("\(done)/\(total) images")
            }
            try Output.result("\(output): \(report.text)")
        }
    }
}
