import Checkpoints
import Diagnostics
import Foundation
import Testing

@Suite struct SafetensorsTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Floats whose bit patterns are easily lost: signed zero, denormals, infinities, NaN with a payload.
    let awkward: [Float] = [
        0, -0.0, 1, -1.5, .leastNonzeroMagnitude, -.leastNormalMagnitude, .infinity, -.infinity, Float(bitPattern: 0x7FC0_1234),
        .greatestFiniteMagnitude, 0.1, 3.1415927,
    ]

    func sample() -> SafetensorsWriter {
        SafetensorsWriter(
            [
                SafetensorsTensor(name: "b.weight", shape: [3, 4], floats: { awkward }),
                SafetensorsTensor(name: "a \"quoted\\\n é", shape: [1], floats: { [7] }),
                SafetensorsTensor(name: "bn.num_batches_tracked", shape: [], integers: [-5]),
                SafetensorsTensor(name: "empty", shape: [0, 3], floats: { [] }),
                SafetensorsTensor(name: "bytes", type: .uint8, shape: [3]) { sink in
                    for byte: UInt8 in 1...3 { try withUnsafeBytes(of: byte) { try sink($0) } }
                },
            ], metadata: ["z": "last", "a": "tab\there"])
    }

    @Test func whatIsWrittenIsReadBitForBit() throws {
        let path = folder.file("w.safetensors")
        let writer = sample()
        try writer.write(to: path)
        #expect(try bytes(of: path).count == writer.byteCount)
        let file = try SafetensorsFile(path)
        #expect(file.names == ["a \"quoted\\\n é", "b.weight", "bn.num_batches_tracked", "bytes", "empty"])
        #expect(file.metadata == ["a": "tab\there", "z": "last"])
        #expect(file.shape(of: "b.weight") == [3, 4])
        #expect(file.shape(of: "bn.num_batches_tracked") == [])
        #expect(file.dtype(of: "bytes") == .uint8)
        #expect(try file.floats(of: "b.weight").map(\.bitPattern) == awkward.map(\.bitPattern))
        #expect(try file.floats(of: "a \"quoted\\\n é") == [7])
        #expect(try file.integers(of: "bn.num_batches_tracked") == [-5])
        #expect(try file.floats(of: "empty") == [])
    }

    @Test func theBytesAreDeterministicAndAligned() throws {
        var collected: [[UInt8]] = []
        let tensors = (0..<7).map { i in SafetensorsTensor(name: "t\(i)", shape: [i], floats: { [Float](repeating: Float(i), count: i) }) }
        for order in [tensors, tensors.reversed()] {
            var data: [UInt8] = []
            try SafetensorsWriter(order, metadata: ["b": "1", "a": "2"]).write { data += $0 }
            collected.append(data)
        }
        #expect(collected[0] == collected[1])
        let headerBytes = collected[0].withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        #expect(headerBytes % 8 == 0)
        #expect(collected[0][8] == UInt8(ascii: "{"))
    }

    @Test func aTensorOfTheWrongSizeIsNotWritten() throws {
        let path = folder.file("w.safetensors")
        for count in [3, 5] {
            let writer = SafetensorsWriter([SafetensorsTensor(name: "w", shape: [4], floats: { [Float](repeating: 1, count: count) })])
            #expect(failure { try writer.write(to: path) }?.kind == .internalError)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        }
    }

    @Test func readingNeedsTheRightNameShapeAndType() throws {
        let path = folder.file("w.safetensors")
        try sample().write(to: path)
        let file = try SafetensorsFile(path)
        let message = try #require(failure { _ = try file.floats(of: "b.wieght") }?.message)
        #expect(message.contains("b.wieght") && message.contains("\"b.weight\"") && message.contains(path))
        var values = [Float](repeating: 0, count: 12)
        try values.withUnsafeMutableBufferPointer { try file.read("b.weight", shape: [3, 4], into: $0) }
        #expect(values[3] == -1.5)
        #expect(failure { try values.withUnsafeMutableBufferPointer { try file.read("b.weight", shape: [4, 3], into: $0) } }?.kind == .badData)
        #expect(failure { try values.withUnsafeMutableBufferPointer { try file.read("empty", into: $0) } }?.kind == .badData)
        #expect(failure { _ = try file.floats(of: "bn.num_batches_tracked") }?.message.contains("I64") == true)
        #expect(failure { _ = try file.integers(of: "b.weight") }?.message.contains("F32") == true)
    }

    @Test func requireListsEverythingThatDoesNotFit() throws {
        let path = folder.file("w.safetensors")
        try SafetensorsWriter([
            SafetensorsTensor(name: "fits", shape: [2], floats: { [1, 2] }),
            SafetensorsTensor(name: "bent", shape: [2], floats: { [1, 2] }),
            SafetensorsTensor(name: "counter", shape: [1], integers: [1]),
            SafetensorsTensor(name: "extra", shape: [1], floats: { [1] }),
            SafetensorsTensor(name: "bn.num_batches_tracked", shape: [], integers: [1]),
        ]).write(to: path)
        let file = try SafetensorsFile(path)
        let message = try #require(
            failure { try file.require([("fits", [2]), ("bent", [1, 2]), ("counter", [1]), ("gone", [3])]) }?.message)
        for part in ["missing (1): gone", "surplus (1): extra", "bent has shape [2], expected [1, 2]", "counter has dtype I64"] {
            #expect(message.contains(part), "\(part) in \(message)")
        }
        #expect(!message.contains("fits") && !message.contains("num_batches_tracked"))
        try file.require([("fits", [2]), ("bent", [2]), ("extra", [1])], mayHave: { $0.hasSuffix("tracked") || $0 == "counter" })
    }

    @Test func theCommittedFileOfPyTorchIsRead() throws {
        let file = try SafetensorsFile(fixtures + "/pytorch.safetensors")
        let ramp = (0..<24).map(Double.init)
        #expect(file.metadata == ["format": "pt", "note": "ε = 8/255"])
        #expect(file.shape(of: "conv1.weight") == [2, 3, 4])
        #expect(try file.floats(of: "conv1.weight") == ramp.map { Float($0 / 7 - 1) })
        #expect(try file.floats(of: "double") == ramp.map { Float($0 / 3) })
        #expect(try file.floats(of: "half") == ramp.map { Float($0 / 8 - 1) })
        // bfloat16 keeps 8 bits: 1000·i rounded to nearest even.
        #expect(try file.floats(of: "brain").enumerated().allSatisfy { abs($1 - Float($0 * 1000)) <= Float($0 * 1000) / 256 })
        #expect(try file.floats(of: "brain")[23] == 23040)
        #expect(try file.floats(of: "extremes.f16") == [0x1p-24, -65504, .infinity, 0])
        #expect(try file.integers(of: "bn1.num_batches_tracked") == [123_456_789_012_345])
        #expect(try file.floats(of: "empty") == [])
    }

    @Test(.enabled(if: pythonWithTorch != nil, "needs Python with PyTorch and safetensors (SIPAT_PYTHON)"))
    func pyTorchReadsWhatIsWritten() throws {
        let path = folder.file("w.safetensors")
        try sample().write(to: path)
        let script = """
            import sys, torch
            from safetensors import safe_open
            from safetensors.torch import load_file
            t = load_file(sys.argv[1])
            with safe_open(sys.argv[1], "pt") as f: m = f.metadata()
            assert m == {"a": "tab\\there", "z": "last"}, m
            assert sorted(t) == ['a "quoted\\\\\\n é', "b.weight", "bn.num_batches_tracked", "bytes", "empty"], sorted(t)
            w = t["b.weight"]
            assert w.shape == (3, 4) and w.dtype == torch.float32
            print(" ".join(f"{v & 0xffffffff:08x}" for v in w.flatten().view(torch.int32).tolist()))
            assert t["bn.num_batches_tracked"].item() == -5 and t["bn.num_batches_tracked"].shape == ()
            assert t["bytes"].tolist() == [1, 2, 3] and t["empty"].shape == (0, 3)
            """
        let result = try #require(run(pythonWithTorch ?? "", "-c", script, path))
        #expect(result.status == 0, "\(result.output)")
        let words = awkward.map { String(format: "%08x", $0.bitPattern) }.joined(separator: " ")
        #expect(result.output.trimmingCharacters(in: .whitespacesAndNewlines) == words)
    }
}
