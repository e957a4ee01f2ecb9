import ArgumentParser
import Diagnostics
import Kernels

struct BenchKernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Time the kernels that memory bounds, on one core, against copying as many bytes.")

    @Option(help: "Images.")
    var batch = 16
    @Option(help: "Height and width of the activations.")
    var size = 32
    @Option(help: "Channels.")
    var channels = 64
    @Option(help: "Seconds for each kernel.")
    var seconds = 0.1
    @Option(help: "Write the result as JSON.")
    var json: String?

    mutating func validate() throws { try expandTilde(&json) }

    func run() throws {
        try reportingFailures {
            guard batch >= 1, size >= 3, channels >= 1, seconds > 0 else {
                throw Failure.usage("--batch and --channels must be at least 1, --size at least 3, --seconds more than 0")
            }
            try requireWritable([("--json", json)], inputs: [])
            var need = MemoryNeed()
            need.add(2, batch, MemoryLayout<Float>.size)
            var pixels = MemoryNeed()
            pixels.add(size, size, channels)
            need.add(2, batch, pixels.bytes, MemoryLayout<Float>.size)
            try requireMemory(need, for: "\(batch) images of \(size)×\(size)×\(channels)", remedy: "make --batch, --size or --channels smaller")
            let rows = MemoryKernelBenchmark.measure(
                shape: ImageShape(height: size, width: size, channels: channels), batch: batch, seconds: seconds)
            var table = "\(batch) images of \(size)×\(size)×\(channels)\n| kernel | GB/s | of a copy's speed |\n| :--- | ---: | ---: |"
            for row in rows {
                table += "\n| \(row.kernel) | \(decimal(row.gigabytesPerSecond, 1)) | \(decimal(100 * row.shareOfCopy, 0)) % |"
            }
            if let json { try writeJSON(rows, to: json) }
            try Output.result(table)
        }
    }
}
