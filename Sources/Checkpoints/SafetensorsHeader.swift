import Diagnostics

/// The element types of the safetensors format.
package enum SafetensorsType: String, Sendable, CaseIterable {
    case bool = "BOOL", uint8 = "U8", int8 = "I8", float8e5m2 = "F8_E5M2", float8e4m3 = "F8_E4M3"
    case int16 = "I16", uint16 = "U16", float16 = "F16", bfloat16 = "BF16"
    case int32 = "I32", uint32 = "U32", float32 = "F32"
    case int64 = "I64", uint64 = "U64", float64 = "F64"

    /// Whether values of this type are read as float32.
    var isFloatingPoint: Bool { [.float32, .float64, .float16, .bfloat16].contains(self) }

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }
}

/// The JSON header of a safetensors file, parsed strictly: exactly the fields of the format, no duplicate keys, valid
/// UTF-8, every number a whole one, every size product checked, the tensors covering the data without overlap or hole.
struct SafetensorsHeader {
    struct Tensor: Hashable {
        var type: SafetensorsType
        var shape: [Int]
        /// Elements: the product of `shape`.
        var count: Int
        /// Offset of the first byte, from the end of the header.
        var begin: Int
    }

    /// The format's own limit on the header.
    static let maximumBytes = 100_000_000

    private(set) var tensors: [String: Tensor] = [:]
    private(set) var metadata: [String: String] = [:]

    /// - Parameters:
    ///   - json: the header's bytes.
    ///   - dataBytes: bytes of the file after the header.
    ///   - path: the file, for messages.
    init(json: [UInt8], dataBytes: Int, path: String) throws {
        var scanner = StrictScanner(json, source: "\(path): safetensors header")
        guard json.first == UInt8(ascii: "{") else { throw scanner.failure("expected it to begin with {") }
        var hasMetadata = false
        try scanner.object { scanner, name in
            if name == "__metadata__" {
                guard !hasMetadata else { throw scanner.failure("__metadata__ occurs twice") }
                hasMetadata = true
                try scanner.object { scanner, key in
                    let value = try scanner.string()
                    guard metadata.updateValue(value, forKey: key) == nil else {
                        throw scanner.failure("__metadata__ has \"\(key)\" twice")
                    }
                }
            } else {
                let (tensor, end) = try Self.tensor(&scanner, name: name)
                guard tensors.updateValue(tensor, forKey: name) == nil else { throw scanner.failure("tensor \"\(name)\" occurs twice") }
                guard end <= dataBytes else {
                    throw scanner.failure("tensor \"\(name)\" ends at byte \(end) of the data, which has \(dataBytes)")
                }
            }
        }
        try scanner.end()
        try checkLayout(dataBytes: dataBytes, scanner)
    }

    private static func tensor(_ scanner: inout StrictScanner, name: String) throws -> (Tensor, end: Int) {
        var type: SafetensorsType?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { scanner, field in
            switch field {
            case "dtype" where type == nil:
                let text = try scanner.string()
                type = SafetensorsType(rawValue: text)
                guard type != nil else {
                    throw Failure.badData(
                        "\(scanner.source): tensor \"\(name)\" has the unknown dtype \"\(text)\", expected one of "
                            + SafetensorsType.allCases.map(\.rawValue).joined(separator: ", "),
                        remedy: "save it as float32 (in PyTorch: tensor.float())")
                }
            case "shape" where shape == nil: shape = try scanner.wholeNumbers(limit: 64)
            case "data_offsets" where offsets == nil: offsets = try scanner.wholeNumbers(limit: 2)
            case "dtype", "shape", "data_offsets": throw scanner.failure("tensor \"\(name)\" has \"\(field)\" twice")
            default: throw scanner.failure("tensor \"\(name)\" has the unknown field \"\(field)\"")
            }
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw scanner.failure("tensor \"\(name)\" needs dtype, shape and two data_offsets")
        }
        guard let count = checkedProduct(shape), let bytes = checkedProduct([count, type.size]) else {
            throw scanner.failure("tensor \"\(name)\" of shape \(shape) is too large to address")
        }
        guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == bytes else {
            throw scanner.failure(
                "tensor \"\(name)\" of shape \(shape) and dtype \(type.rawValue) needs \(bytes) bytes, its data_offsets are \(offsets)")
        }
        return (Tensor(type: type, shape: shape, count: count, begin: offsets[0]), offsets[1])
    }

    private func checkLayout(dataBytes: Int, _ scanner: StrictScanner) throws {
        var covered = 0
        let inOrder = tensors.sorted { ($0.value.begin, $0.value.count, $0.key) < ($1.value.begin, $1.value.count, $1.key) }
        for (name, tensor) in inOrder {
            guard tensor.begin == covered else {
                let what = tensor.begin < covered ? "overlaps another" : "leaves a hole of \(tensor.begin - covered) bytes before it"
                throw scanner.failure("tensor \"\(name)\" \(what)")
            }
            covered += tensor.count * tensor.type.size
        }
        guard covered == dataBytes else {
            throw Failure.badData(
                "\(scanner.source): its tensors cover \(covered) bytes, the file has \(dataBytes) after the header",
                remedy: "the file was cut short or has something appended: copy or write it again")
        }
    }
}

/// The product of numbers that are not negative, or nil when it does not fit.
func checkedProduct(_ factors: [Int]) -> Int? {
    var product = 1
    for factor in factors {
        let (value, overflow) = product.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        product = value
    }
    return product
}
