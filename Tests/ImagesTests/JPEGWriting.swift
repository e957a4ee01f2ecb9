import CTurboJPEG
import Foundation
import Images
import Testing

/// A baseline JPEG of quality 95, 4:4:4.
func encodeJPEG(_ image: Image) throws -> Data {
    let handle = try #require(tjInitCompress())
    defer { tjDestroy(handle) }
    var bytes: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    let status = tjCompress2(
        handle, image.pixels, Int32(image.size.width), 0, Int32(image.size.height),
        image.channels == .grey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue, &bytes, &count,
        Int32(image.channels == .grey ? TJSAMP_GRAY.rawValue : TJSAMP_444.rawValue), 95, 0)
    defer { tjFree(bytes) }
    try #require(status == 0)
    return Data(bytes: try #require(bytes), count: Int(count))
}
