import ArgumentParser
import Diagnostics
import Foundation
import Kernels
import NeuralNet

struct BenchLayersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers", abstract: "Time each convolution of a network on one core, and each class of them, by our own loops and by OpenBLAS.")

    @OptionGroup var network: BenchModelOptions
    @Option(help: "Images.")
    var batch = 64
    @Option(help: "Seconds for each pass of each layer.")
    var seconds = 0.2
    @Option(help: "float32 or bfloat16: precision of the products of our own forward passes and input gradients, as in an attack.")
    var attackPrecision: String?
    @Option(help: "Write the result as JSON.")
    var json: String?

    private struct Row: Encodable {
        let layers: [String]
        let shape: String
        let algorithm: String
        let forward: Double
        let inputGradient: Double
        let filterGradient: Double
        /// The same by OpenBLAS.
        let blasForward: Double
        let blasInputGradient: Double
        let blasFilterGradient: Double
        let peak: Double
    }

    mutating func validate() throws { try expandTilde(&json) }

    func run() throws {
        try reportingFailures { try measure() }
    }

    private func measure() throws {
        guard batch >= 1, seconds > 0 else { throw Failure.usage("--batch must be at least 1, --seconds more than 0") }
        let precision: ProductPrecision = try choice(attackPrecision, flag: "--attack-precision") ?? .float32
        try requireWritable([("--json", json)], inputs: [])
        let layers = try network.network().convolutions
        var need = MemoryNeed()
        for layer in layers where layer.shape.height > 0 {
            var own = MemoryNeed()
            own.add(batch, layer.shape.height * layer.shape.width * layer.shape.inputChannels, MemoryLayout<Float>.size)
            if own.bytes > need.bytes { need = own }
        }
        try requireMemory(need, for: "a layer of \(network.model) on \(batch) images", remedy: "make --batch, --input-size or --width smaller")
        GEMM.useOneThread()
        let peak = ConvolutionBenchmark.peak()
        try Output.result("peak \(decimal(peak, 0)) GFLOP/s on one core; effective GFLOP/s as direct convolutions, and share of peak")
        try Output.result("second columns: by OpenBLAS, kernels for \(GEMM.coreType)")
        if precision == .bfloat16 {
            try Output.result("first columns, forward and input gradient: operands in bfloat16, but for Winograd's algorithm and images of few channels")
        }
        try Output.result("| layer | input | filter | algorithm | forward | blas | input gradient | blas | filter gradient | blas |")
        try Output.result("| :--- | :--- | :--- | :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
        var rows: [Row] = []
        var classes: [Class] = []
        var shapes: [ConvolutionShape] = []
        for layer in layers where !shapes.contains(layer.shape) { shapes.append(layer.shape) }
        for shape in shapes {
            let names = layers.filter { $0.shape == shape }.map(\.name)
            let layer = ConvolutionBenchmark.Layer(names[0], shape, batch: batch)
            let m = ConvolutionBenchmark.measure(layer, precision: precision, seconds: seconds)
            let blas = ConvolutionBenchmark.measure(layer, algorithm: .blas, seconds: seconds)
            func cell(_ speed: Double) -> String { "\(decimal(speed, 0)) (\(decimal(100 * speed / peak, 0)) %)" }
            let input = "\(shape.height)×\(shape.width)×\(shape.inputChannels)"
            let filter = "\(shape.kernel)×\(shape.kernel)/\(shape.stride) → \(shape.outputChannels)"
            let cells = [(m.forward, blas.forward), (m.inputGradient, blas.inputGradient), (m.filterGradient, blas.filterGradient)]
                .map { "\(cell($0)) | \(cell($1))" }.joined(separator: " | ")
            try Output.result(
                "| \(names[0])\(names.count > 1 ? " ×\(names.count)" : "") | \(input) | \(filter) | \(m.algorithm.rawValue) | \(cells) |")
            let kind = "\(shape.kernel)×\(shape.kernel), stride \(shape.stride), \(m.algorithm.rawValue)"
            let place = classes.firstIndex { $0.name == kind } ?? classes.endIndex
            if place == classes.endIndex { classes.append(Class(name: kind)) }
            classes[place].add(m, count: names.count)
            rows.append(
                Row(
                    layers: names, shape: "\(input) \(filter)", algorithm: m.algorithm.rawValue, forward: m.forward,
                    inputGradient: m.inputGradient, filterGradient: m.filterGradient, blasForward: blas.forward,
                    blasInputGradient: blas.inputGradient, blasFilterGradient: blas.filterGradient, peak: peak))
        }
        try printClasses(classes, peak: peak)
        if let json { try writeJSON(rows, to: json) }
    }

    /// All layers of one kind: operations of a direct convolution, and the seconds of each pass, for one image.
    private struct Class {
        var name: String
        var work = 0.0
        var seconds = (forward: 0.0, inputGradient: 0.0, filterGradient: 0.0)

        mutating func add(_ layer: ConvolutionBenchmark.Measurement, count: Int) {
            let flops = Double(layer.layer.shape.flops * count) / 1e9
            work += flops
            seconds.forward += flops / layer.forward
            seconds.inputGradient += flops / layer.inputGradient
            seconds.filterGradient += flops / layer.filterGradient
        }
    }

    private func printClasses(_ classes: [Class], peak: Double) throws {
        let total = classes.reduce(0) { $0 + $1.work }
        try Output.result("\n| class | share of the work | forward | input gradient | filter gradient |")
        try Output.result("| :--- | ---: | ---: | ---: | ---: |")
        for kind in classes {
            func share(_ seconds: Double) -> String { "\(decimal(100 * kind.work / seconds / peak, 0)) %" }
            try Output.result(
                "| \(kind.name) | \(decimal(100 * kind.work / total, 1)) % | \(share(kind.seconds.forward)) | \(share(kind.seconds.inputGradient)) | \(share(kind.seconds.filterGradient)) |")
        }
    }
}
