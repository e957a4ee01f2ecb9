import CPNG
import Diagnostics

/// PNG through libpng's low-level interface. One use: `init`, `pixels`.
final class PNGReader {
    let size: PixelSize
    /// 1 grey or index, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    let channels: Int
    /// 1 or 2.
    let bytesPerSample: Int

    private let handle: OpaquePointer
    private let name: String

    /// - Parameters:
    ///   - bytes: must outlive this object.
    ///   - expanded: 8-bit samples, palettes looked up, tRNS as alpha; otherwise samples as stored.
    init(_ bytes: UnsafeRawBufferPointer, header: PNGHeader, expanded: Bool, limit: PixelLimit, name: String) throws {
        try header.check(limit: limit, name: name)
        let stored = header.imageHeader.storedSize
        var layout = cpng_layout()
        var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_SIZE))
        guard
            let handle = cpng_open(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, expanded ? 1 : 0, UInt32(stored.width), UInt32(stored.height),
                &layout, &message)
        else { throw PNGReader.failure(message, name) }
        self.handle = handle
        self.name = name
        size = PixelSize(width: Int(layout.width), height: Int(layout.height))
        channels = Int(layout.channels)
        bytesPerSample = Int(layout.bytes_per_sample)
        guard size == stored else { throw Failure.damagedImage(name, "has two headers that differ") }
    }

    deinit { cpng_close(handle) }

    /// All samples, row by row. Call once.
    func pixels() throws -> [UInt8] {
        let total = size.pixels * channels * bytesPerSample
        return try [UInt8](unsafeUninitializedCapacity: total) { output, initialized in
            var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE_SIZE))
            guard cpng_read(handle, output.baseAddress, &message) == 0 else { throw PNGReader.failure(message, name) }
            initialized = total
        }
    }

    /// Red, green and blue of each colour in the palette; empty where there is none.
    func palette() -> [SIMD3<UInt8>] {
        var bytes = [UInt8](repeating: 0, count: 768)
        let count = Int(cpng_palette(handle, &bytes))
        return (0..<count).map { SIMD3(bytes[3 * $0], bytes[3 * $0 + 1], bytes[3 * $0 + 2]) }
    }

    private static func failure(_ message: [CChar], _ name: String) -> Failure {
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Failure.damagedImage(name, "is a damaged or truncated PNG (\(text))")
    }
}
