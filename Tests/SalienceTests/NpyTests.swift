import Diagnostics
import Foundation
import Salience
import Testing

@Suite struct NpyTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A version 1.0 file with any header text.
    func file(_ header: String, data: Int, version: UInt8 = 1) -> [UInt8] {
        let text = Array(header.utf8)
        let length = version == 1 ? [UInt8(text.count & 255), UInt8(text.count >> 8)] : withUnsafeBytes(of: UInt32(text.count), Array.init)
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + [UInt8](repeating: 0, count: data)
    }

    func refusal(_ contents: [UInt8]) throws -> Failure? {
        let path = folder.file("x.npy")
        try write(contents, to: path)
        return failure { _ = try NpyFile(path) }
    }

    @Test func filesOfNumpyAreRead() throws {
        let small = try NpyFile(fixtures + "/uint8.npy")
        #expect(small.shape == [2, 3, 4] && small.type == .uint8 && small.count == 24)
        var values = [UInt8](repeating: 0, count: 24)
        try values.withUnsafeMutableBytes { try small.read(into: $0) }
        #expect(values == (0..<24).map { UInt8($0 * 11) })
        for name in ["float32-v2", "float32-v3"] {
            let file = try NpyFile(fixtures + "/\(name).npy")
            #expect(file.shape == [2, 3, 4] && file.type == .float32)
            #expect(try file.floats() == (0..<24).map { Float(Double($0) / 24) })
            var part = [Float](repeating: 0, count: 2)
            try part.withUnsafeMutableBytes { try file.read(from: 22, into: $0) }
            #expect(part == [Float(22.0 / 24), Float(23.0 / 24)])
        }
    }

    @Test func whatIsWrittenIsWhatNumpyWrites() throws {
        let path = folder.file("written.npy")
        let elements = (0..<24).map { UInt8($0 * 11) }
        try elements.withUnsafeBytes { try writeNpy($0, type: .uint8, shape: [2, 3, 4], to: path) }
        #expect(try bytes(of: path) == bytes(of: fixtures + "/uint8.npy"))
        let values: [Float] = [0, -0.0, .nan, .leastNonzeroMagnitude, 1]
        try values.withUnsafeBytes { try writeNpy($0, type: .float32, shape: [5], to: path) }
        let file = try NpyFile(path)
        #expect(file.shape == [5])
        #expect(try file.floats().map(\.bitPattern) == values.map(\.bitPattern))
        for shape in [[], [0, 7], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]] {
            let count = shape.reduce(1, *)
            try [UInt8](repeating: 9, count: count).withUnsafeBytes { try writeNpy($0, type: .uint8, shape: shape, to: path) }
            #expect(try NpyFile(path).shape == shape)
            #expect(try (bytes(of: path).count - count) % 64 == 0)
        }
    }

    @Test(arguments: [
        ("fortran", "Fortran", "ascontiguousarray"), ("big-endian", "'>f4'", "<f4"), ("float64", "'<f8'", "<f4"), ("bool", "'|b1'", "255"),
        ("object", "'|O'", "objects"), ("structured", "structured", "numpy.save"),
    ]) func otherKindsOfArraysAreRefused(name: String, what: String, remedy: String) throws {
        let found = try #require(failure { _ = try NpyFile(fixtures + "/\(name).npy") })
        #expect(found.kind == .badData && found.message.contains("\(name).npy") && found.message.contains(what), "\(found)")
        #expect(found.remedy?.contains(remedy) == true, "\(found)")
    }

    @Test(arguments: [
        ("too large to address", "(4294967296, 4294967296, 4294967296)", 0), ("too large to address", "(9223372036854775807, 2)", 0),
        ("needs 1152921504606846976 bytes", "(1152921504606846976,)", 8), ("needs 6 bytes", "(2, 3)", 5), ("needs 6 bytes", "(2, 3)", 7),
        ("whole numbers", "(99999999999999999999,)", 0), ("whole numbers", "(-1,)", 0), ("expected )", "(1.5,)", 1),
        ("whole numbers", "(1,,)", 1), ("expected (", "[1]", 1), ("whole numbers", "(" + String(repeating: "1,", count: 40) + ")", 1),
    ]) func absurdShapesAreRefused(what: String, shape: String, data: Int) throws {
        let found = try refusal(file("{'descr': '|u1', 'fortran_order': False, 'shape': \(shape), }\n", data: data))
        #expect(found?.message.contains(what) == true, "\(String(describing: found))")
    }

    @Test(arguments: [
        "", "{", "{'descr'", "{'descr': '|u1', 'shape': (1,)}", "{'descr': '|u1', 'fortran_order': Falsch, 'shape': (1,)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "{'descr': '|u1, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 'x'}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
    ]) func malformedHeadersAreRefused(header: String) throws {
        #expect(try refusal(file(header, data: 1))?.kind == .badData)
    }

    @Test func theBeginningIsChecked() throws {
        let good = file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", data: 3)
        #expect(try refusal(good) == nil)
        for count in 0..<good.count { #expect(try refusal(Array(good[..<count])) != nil, "accepted \(count) bytes") }
        #expect(try refusal([0x94] + good.dropFirst())?.message.contains("magic") == true)
        var version = good
        version[6] = 4
        #expect(try refusal(version)?.message.contains("version 4.0") == true)
        // A header that claims 4 GiB.
        #expect(try refusal([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255, 0])?.message.contains("4294967295") == true)
    }

    /// Any byte of the header changed: refused or read, never a trap.
    @Test func noByteOfTheHeaderCanCauseATrap() throws {
        let good = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", data: 24)
        for position in 0..<(good.count - 24) {
            for value: UInt8 in [0, 0x20, 0x27, 0x28, 0x29, 0x2C, 0x39, 0x3A, 0x5B, 0x7D, 0xFF] {
                var changed = good
                changed[position] = value
                _ = try refusal(changed)
            }
        }
    }
}
