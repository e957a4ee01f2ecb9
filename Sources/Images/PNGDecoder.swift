/// PNG to 8-bit grey or colour.
enum PNGDecoder {
    /// Stored pixels, not yet upright. 16 bits are scaled to 8 (rounded); no gamma is applied.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, header: PNGHeader, channels: Channels, background: SIMD3<UInt8>, limit: PixelLimit, name: String
    ) throws -> Image {
        let reader = try PNGReader(bytes, header: header, expanded: true, limit: limit, name: name)
        let samples = try reader.pixels()
        if reader.channels == channels.rawValue { return Image(size: reader.size, channels: channels, pixels: samples) }
        let converted = convert(samples, from: reader.channels, to: channels, background: background)
        return Image(size: reader.size, channels: channels, pixels: converted)
    }

    private static func convert(_ samples: [UInt8], from count: Int, to channels: Channels, background: SIMD3<UInt8>) -> [UInt8] {
        let pixels = samples.count / count
        let hasAlpha = count == 2 || count == 4
        let isGrey = count <= 2
        let under = SIMD3<Int>(truncatingIfNeeded: background)
        let greyUnder = Int(Luma.of(under.x, under.y, under.z))
        return [UInt8](unsafeUninitializedCapacity: pixels * channels.rawValue) { output, initialized in
            for i in 0..<pixels {
                let source = i &* count
                let alpha = hasAlpha ? Int(samples[source &+ count &- 1]) : 255
                if channels == .grey, isGrey {
                    output[i] = UInt8(Luma.blend(samples[source], alpha: alpha, over: greyUnder))
                    continue
                }
                let step = isGrey ? 0 : 1
                let red = Luma.blend(samples[source], alpha: alpha, over: under.x)
                let green = Luma.blend(samples[source &+ step], alpha: alpha, over: under.y)
                let blue = Luma.blend(samples[source &+ 2 &* step], alpha: alpha, over: under.z)
                if channels == .grey {
                    output[i] = Luma.of(red, green, blue)
                } else {
                    output[3 &* i] = UInt8(red)
                    output[3 &* i &+ 1] = UInt8(green)
                    output[3 &* i &+ 2] = UInt8(blue)
                }
            }
            initialized = pixels * channels.rawValue
        }
    }
}
