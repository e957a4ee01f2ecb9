import CTurboJPEG
import Diagnostics

extension Image {
    /// This image as a baseline JPEG file through libjpeg-turbo: grey, or YCbCr whose colour has half the resolution (4:2:0), as
    /// cameras and Pillow write it.
    ///
    /// - Parameter quality: 1 to 100, on the scale of the Independent JPEG Group.
    /// - Throws: `Failure.internalError` when TurboJPEG fails.
    package func encodedAsJPEG(quality: Int) throws -> [UInt8] {
        guard (1...100).contains(quality), size.width > 0, size.height > 0, size.width <= 65_535, size.height <= 65_535 else {
            throw Failure.internalError("an image of \(size) cannot be written as JPEG of quality \(quality)")
        }
        guard let handle = tjInitCompress() else { throw Failure.internalError("TurboJPEG does not start") }
        defer { tjDestroy(handle) }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count: UInt = 0
        defer { tjFree(bytes) }
        let isGrey = channels == .grey
        let status = tjCompress2(
            handle, pixels, Int32(size.width), 0, Int32(size.height), (isGrey ? TJPF_GRAY : TJPF_RGB).rawValue, &bytes, &count,
            Int32((isGrey ? TJSAMP_GRAY : TJSAMP_420).rawValue), Int32(quality), TJFLAG_ACCURATEDCT)
        guard status == 0, let bytes else {
            throw Failure.internalError("TurboJPEG did not write an image of \(size): \(String(cString: tjGetErrorStr2(handle)))")
        }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
