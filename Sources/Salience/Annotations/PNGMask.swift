import Diagnostics
import Images

/// What the samples of a PNG mask mean.
package enum PNGMask {
    package struct Meaning: Sendable, Hashable {
        /// Palette indices, or grey values, that are salient; nil: all palette indices but 0 and 255 (void), and grey as shades.
        package var indices: Set<Int>?
        /// Black is salient.
        package var isInverted: Bool

        package init(indices: Set<Int>? = nil, isInverted: Bool = false) {
            self.indices = indices
            self.isInverted = isInverted
        }
    }

    /// 0 to 255 per pixel.
    ///
    /// A palette of black and white, or of distinct greys with both among them, means its shades, whatever their order, unless labels are
    /// named; of any other, the indices count. Grey: shades, the largest possible value being 255; where no pixel is above 1, 0 and 1 are background and salient.
    /// Alpha counts as a weight; a file of one colour whose alpha varies is its alpha. One that is black and opaque everywhere is empty.
    /// - Returns: with the values, how they were understood where it is not plain.
    static func values(_ png: RawPNG, _ meaning: Meaning, expecting size: PixelSize, name: String) throws -> (values: [UInt8], remark: String?) {
        guard png.header.storedSize == size else {
            throw Failure.badData("\(name): a mask of \(png.header.storedSize), expected \(size)", remedy: "export it again")
        }
        var (values, remark) = try salient(png, meaning, name: name)
        if meaning.isInverted { for i in values.indices { values[i] = 255 - values[i] } }
        return (values, remark)
    }

    private static func salient(_ png: RawPNG, _ meaning: Meaning, name: String) throws -> (values: [UInt8], remark: String?) {
        if png.header.hasPalette, !isGreyRamp(png.palette) {
            guard meaning.indices == nil, let greys = shades(png.palette) else {
                return (png.samples.map { isChosen(Int($0), meaning.indices) ? 255 : 0 }, "palette indices")
            }
            // An index beyond the palette is as good as void.
            return (png.samples.map { greys.indices.contains(Int($0)) ? greys[Int($0)] : 0 }, "a palette of greys, taken by its shades")
        }
        let channels = png.channels
        let (count, most) = (png.samples.count / channels, (1 << png.header.bitDepth) - 1)
        let colours = channels >= 3 ? 3 : 1
        func sample(_ pixel: Int, _ channel: Int) -> Int { Int(png.samples[pixel * channels + channel]) }
        if colours == 3 {
            guard (0..<count).allSatisfy({ sample($0, 0) == sample($0, 1) && sample($0, 0) == sample($0, 2) }) else {
                throw Failure.badData("\(name): a mask in colours, expected shades of grey or a palette", remedy: "export it as a grey PNG, white where it is salient")
            }
        }
        var grey = (0..<count).map { sample($0, 0) }
        if let indices = meaning.indices { return (grey.map { indices.contains($0) ? 255 : 0 }, "grey values as labels") }
        let hasAlpha = channels == 2 || channels == 4
        if hasAlpha, grey.allSatisfy({ $0 == grey[0] }), (0..<count).contains(where: { sample($0, channels - 1) != sample(0, channels - 1) }) {
            return ((0..<count).map { shade(sample($0, channels - 1), most) }, "the alpha of a file of one colour")
        }
        let largest = grey.max() ?? 0
        if largest == 1, most > 1 {
            for i in 0..<count { grey[i] *= most }
        }
        if hasAlpha { for i in 0..<count { grey[i] = grey[i] * sample(i, channels - 1) / most } }
        let remark: String? =
            largest == 1 && most > 1
            ? "values 0 and 1, taken as background and salient"
            : most >= 255 && largest > 1 && largest < 32 ? "no value above \(largest) of \(most): labels? Then name the salient ones: --labels 1,2" : nil
        return (grey.map { shade($0, most) }, remark)
    }

    private static func shade(_ value: Int, _ most: Int) -> UInt8 { UInt8((value * 255 + most / 2) / most) }

    private static func isChosen(_ index: Int, _ chosen: Set<Int>?) -> Bool { chosen.map { $0.contains(index) } ?? (index != 0 && index != 255) }

    /// The grey of each index, where the palette shows a mask and not labels; else nil.
    private static func shades(_ palette: [SIMD3<UInt8>]) -> [UInt8]? {
        guard palette.allSatisfy({ $0.x == $0.y && $0.x == $0.z }) else { return nil }
        let greys = palette.map(\.x)
        guard greys.contains(255) else { return nil }
        let isBlackAndWhite = greys.allSatisfy { $0 == 0 || $0 == 255 }
        return isBlackAndWhite || greys.contains(0) && Set(greys).count == greys.count ? greys : nil
    }

    private static func isGreyRamp(_ palette: [SIMD3<UInt8>]) -> Bool {
        palette.count == 256 && palette.indices.allSatisfy { palette[$0] == SIMD3(repeating: UInt8($0)) }
    }
}
