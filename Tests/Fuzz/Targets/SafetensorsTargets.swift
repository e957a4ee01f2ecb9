import Checkpoints

private let folder = ScratchFolder("safetensors")

extension FuzzTarget {
    /// A whole file.
    static let safetensors = FuzzTarget("safetensors") { try readSafetensors($0.bytes) }

    /// A header, behind which as many bytes of data follow as the first two bytes say.
    static let safetensorsHeader = FuzzTarget("safetensors-header") { input in
        var input = input
        let dataBytes = Int(input.byte()) | Int(input.byte()) << 8
        let header = input.bytes
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        try readSafetensors(length + header + [UInt8](repeating: 0x3F, count: dataBytes))
    }
}

/// Reads a file as a model's weights would be, and everything in it.
private func readSafetensors(_ bytes: [UInt8]) throws {
    let file = try SafetensorsFile(folder.write(bytes, to: "weights.safetensors"))
    for name in file.names {
        guard let type = file.dtype(of: name), let shape = file.shape(of: name) else { fatalError("\(name) is gone") }
        switch type {
        case .float64, .float32, .float16, .bfloat16:
            let values = try file.floats(of: name)
            guard values.count == shape.reduce(1, *) else { fatalError("\(name): \(values.count) values of shape \(shape)") }
        case .int64: _ = try file.integers(of: name)
        default: break
        }
    }
    try file.require([("conv1.weight", [2, 3, 4]), ("fc.bias", [10])])
}
