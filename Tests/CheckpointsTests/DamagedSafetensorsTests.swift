import Checkpoints
import Diagnostics
import Foundation
import Testing

/// Files that are not what they claim: each must be refused with a message, never a trap or a large allocation.
@Suite struct DamagedSafetensorsTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func file(header: String, length: UInt64? = nil, data: Int) -> [UInt8] {
        withUnsafeBytes(of: length ?? UInt64(header.utf8.count), Array.init) + Array(header.utf8) + [UInt8](repeating: 0, count: data)
    }

    func refusal(_ contents: [UInt8]) throws -> Failure? {
        let path = folder.file("x.safetensors")
        try write(contents, to: path)
        return failure { _ = try SafetensorsFile(path) }
    }

    static let headers: [(what: String, header: String, data: Int)] = [
        ("begin with {", " {}", 0),
        ("begin with {", "[]", 0),
        ("expected", "{", 0),
        ("expected \"", "{a:1}", 0),
        ("follows", "{}x", 0),
        ("occurs twice", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4),
        ("\"dtype\" twice", #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4),
        ("\"k\" twice", #"{"__metadata__":{"k":"1","k":"2"}}"#, 0),
        ("__metadata__ occurs twice", #"{"__metadata__":{},"__metadata__":{}}"#, 0),
        ("expected \"", #"{"__metadata__":{"k":1}}"#, 0),
        ("unknown dtype \"F31\"", #"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, 4),
        ("unknown field \"stride\"", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}}"#, 4),
        ("needs dtype", #"{"a":{"dtype":"F32","shape":[1]}}"#, 0),
        ("needs dtype", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 0),
        ("overlaps", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
        ("overlaps", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4),
        ("hole of 4", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
        ("cover 4 bytes", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5),
        ("ends at byte 8", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7),
        ("needs 8 bytes", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
        ("needs 4 bytes", #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
        ("too large to address", #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}"#, 0),
        ("too large to address", #"{"a":{"dtype":"F32","shape":[2305843009213693952,4],"data_offsets":[0,0]}}"#, 0),
        ("too large", #"{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}}"#, 0),
        ("whole number", #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
        ("expected ]", #"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4),
        ("begins with 0", #"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4),
        ("more than 64", #"{"a":{"dtype":"F32","shape":[\#([String](repeating: "1", count: 65).joined(separator: ","))],"data_offsets":[0,4]}}"#, 4),
        ("surrogate", #"{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4),
        ("control character", "{\"a\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
        ("does not end", #"{"a"#, 0),
    ]

    @Test(arguments: headers) func aWrongHeaderIsRefused(what: String, header: String, data: Int) throws {
        let found = try #require(try refusal(file(header: header, data: data)), "accepted: \(header)")
        #expect(found.kind == .badData && found.message.contains(what), "\(found.message)")
        #expect(found.message.contains("x.safetensors") && found.remedy != nil)
    }

    @Test(arguments: [1 << 60, UInt64.max, 100_000_001, 99_999_999, 3]) func aHeaderLengthBeyondTheFileIsRefused(length: UInt64) throws {
        let found = try #require(try refusal(file(header: "{}", length: length, data: 0)))
        #expect(found.message.contains("\(length) bytes"), "\(found.message)")
    }

    @Test func aHeaderOfInvalidUTF8IsRefused() throws {
        let json: [UInt8] = Array("{\"".utf8) + [0xC3, 0x28] + Array(#"":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#.utf8)
        let found = try refusal(withUnsafeBytes(of: UInt64(json.count), Array.init) + json)
        #expect(found?.message.contains("UTF-8") == true)
    }

    @Test func escapesAndPaddingAreUnderstood() throws {
        let path = folder.file("ok.safetensors")
        try write(
            file(header: "{ \"\\u00e9\\ud83d\\ude00\\n\" : {\"shape\":[ ],\"data_offsets\":[0,4],\"dtype\":\"F32\"}}   \n", data: 4), to: path)
        #expect(try SafetensorsFile(path).names == ["é😀\n"])
    }

    @Test func everyShorterFileIsRefused() throws {
        let path = folder.file("whole.safetensors")
        try SafetensorsWriter([
            SafetensorsTensor(name: "w", shape: [5], floats: { [1, 2, 3, 4, 5] }),
            SafetensorsTensor(name: "n", shape: [], integers: [3]),
        ]).write(to: path)
        let whole = try bytes(of: path)
        for count in 0..<whole.count {
            #expect(try refusal(Array(whole[..<count])) != nil, "accepted \(count) of \(whole.count) bytes")
        }
        #expect(try refusal(whole) == nil)
        #expect(try refusal(whole + [0]) != nil)
    }

    /// Any single byte of the header changed to any of a few values: refused or read, but never a trap.
    @Test func noByteOfTheHeaderCanCauseATrap() throws {
        let header = #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#
        let whole = file(header: header, data: 8)
        for position in 0..<(8 + header.utf8.count) {
            for value: UInt8 in [0x00, 0x22, 0x2C, 0x2D, 0x30, 0x39, 0x5B, 0x5C, 0x7B, 0x7D, 0x80, 0xFF] {
                var changed = whole
                changed[position] = value
                let path = folder.file("y.safetensors")
                try write(changed, to: path)
                do {
                    let file = try SafetensorsFile(path)
                    for name in file.names { _ = try? file.floats(of: name) }
                } catch {
                    #expect(error is Failure)
                }
            }
        }
    }

    @Test func missingFilesAndFoldersAreNamed() throws {
        let missing = folder.file("absent.safetensors")
        let found = failure { _ = try SafetensorsFile(missing) }
        #expect(found?.kind == .inputOutput && found?.message.contains(missing) == true)
        #expect(failure { _ = try SafetensorsFile(folder.path) }?.message.contains("folder") == true)
    }
}
