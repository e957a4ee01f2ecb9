import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Training

struct BenchLayersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers", abstract: "Time each convolution of a network on one core.")

    @OptionGroup var network: BenchModelOptions
    @Option(help: "Images.")
    var batch = 64
    @Option(help: "Seconds for each pass of each layer.")
    var seconds = 0.2
    @Option(help: "Write the result as JSON.")
    var json: String?

    private struct Row: Encodable {
        let layers: [String]
        let shape: String
        let algorithm: String
        let forward: Double
        let inputGradient: Double
        let filterGradient: Double
        let peak: Double
    }

    func run() throws {
        try reportingFailures { try measure() }
    }

    private func measure() throws {
        let layers = try network.configuration().network(input: network.input, classes: network.classes).convolutions
        GEMM.useOneThread()
        let peak = ConvolutionBenchmark.peak()
        print("peak \(decimal(peak, 0)) GFLOP/s on one core; effective GFLOP/s as direct convolutions, and share of peak")
        print("| layer | input | filter | algorithm | forward | input gradient | filter gradient |")
        print("| :--- | :--- | :--- | :--- | ---: | ---: | ---: |")
        var rows: [Row] = []
        var shapes: [ConvolutionShape] = []
        for layer in layers where !shapes.contains(layer.shape) { shapes.append(layer.shape) }
        for shape in shapes {
            let names = layers.filter { $0.shape == shape }.map(\.name)
            let m = ConvolutionBenchmark.measure(.init(names[0], shape, batch: batch), seconds: seconds)
            func cell(_ speed: Double) -> String { "\(decimal(speed, 0)) (\(decimal(100 * speed / peak, 0)) %)" }
            let input = "\(shape.height)×\(shape.width)×\(shape.inputChannels)"
            let filter = "\(shape.kernel)×\(shape.kernel)/\(shape.stride) → \(shape.outputChannels)"
            print(
                "| \(names[0])\(names.count > 1 ? " ×\(names.count)" : "") | \(input) | \(filter) | \(m.algorithm.rawValue) | \(cell(m.forward)) | \(cell(m.inputGradient)) | \(cell(m.filterGradient)) |")
            rows.append(
                Row(
                    layers: names, shape: "\(input) \(filter)", algorithm: m.algorithm.rawValue, forward: m.forward,
                    inputGradient: m.inputGradient, filterGradient: m.filterGradient, peak: peak))
        }
        if let json { try writeJSON(rows, to: json) }
    }
}
