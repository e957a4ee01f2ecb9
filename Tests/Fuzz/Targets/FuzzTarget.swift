import Diagnostics

/// A reader that is handed whatever bytes there are: by libFuzzer (`Scripts/fuzz`), and in the ordinary tests by the kept corpus.
///
/// A new target is one file here that defines it, and one line in `all`.
package struct FuzzTarget: Sendable {
    /// Its name on the command line, and its folder in the corpus.
    package let name: String
    private let read: @Sendable (FuzzInput) throws -> Void

    /// - Parameter read: reads the input as the program would. A `Failure` that blames data or usage is an answer; any other
    ///   error, a trap, an endless loop, a large allocation, or a `fatalError` for a property that does not hold, is a finding.
    package init(_ name: String, read: @escaping @Sendable (FuzzInput) throws -> Void) {
        self.name = name
        self.read = read
    }

    /// Every target.
    package static let all: [FuzzTarget] = [
        safetensors, safetensorsHeader, npy, salienceMaps, provenance, idx, gzip, cifar, recipe, overrides, runState, manifest, metrics,
        scaleRun, jpeg, png, exif, imageManifest, tar, salienceStore, voc, coco, yolo, csv, cub, cvat, labelStudio, labelMe, maskPNG, events,
        pilotPlan,
    ]

    /// Reads one input.
    ///
    /// - Returns: whether it was accepted; nil when it was refused as it should be.
    @discardableResult
    package func run(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            try read(FuzzInput(bytes))
            return true
        } catch let failure as Failure {
            guard failure.kind == .badData || failure.kind == .usage else { fatalError("\(name): \(failure.kind): \(failure)") }
            guard !failure.message.isEmpty else { fatalError("\(name): a failure without a word") }
            return false
        } catch {
            fatalError("\(name): not a Failure: \(error)")
        }
    }
}

/// An input, taken apart from the front.
package struct FuzzInput {
    private var rest: Slice<UnsafeRawBufferPointer>

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    /// The next byte; 0 when there is none.
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// As many bytes as a number of 16 bits, little-endian, in front of them says, or as there are.
    mutating func part() -> [UInt8] {
        let count = Int(byte()) | Int(byte()) << 8
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// All that is left.
    var bytes: [UInt8] { Array(rest) }
}
