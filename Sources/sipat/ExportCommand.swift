import ArgumentParser
import Diagnostics
import Experiments
import Foundation

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a run's model for other programs.",
        discussion: """
            sipat export --weights runs/first --format onnx --output model.onnx

            onnx: float32, operators of version 13; images N×C×H×W in [0, 1] to logits N×classes. Normalisation (model.mean, model.std) is a \
            part of the graph. The classes' names are in the file's properties.
            """)

    @Option(help: "A run's folder (its best checkpoint), a checkpoint's folder, or a safetensors file, ours or PyTorch's state_dict.")
    var weights: String
    @Option(help: "\(ModelExport.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = ModelExport.Format.onnx.rawValue
    @Option(help: "The file to write.")
    var output: String
    @Option(help: "Height and width of the images; the run's own if not given.")
    var size: Int?
    @OptionGroup var model: ModelOptions

    mutating func validate() throws {
        weights = try expandingTilde(weights)
        output = try expandingTilde(output)
    }

    func run() throws {
        try reportingFailures {
            guard Sipat.speaks else { return }
            if let size, !(8...4096).contains(size) { throw Failure.usage("--size is \(size), expected 8 to 4096", remedy: "give the size that the model was trained at") }
            let format: ModelExport.Format = try choice(format, flag: "--format")!
            let export = try ModelExport(weights: weights, options: try model.request(), size: size)
            try requireWritable([("--output", output)], inputs: export.inputs)
            for note in export.notes { Output.complain(note) }
            try Output.result(try export.write(format, to: output, program: Sipat.configuration.version))
        }
    }
}
