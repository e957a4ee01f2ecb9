import Diagnostics
import Foundation
import Images
import Kernels

/// A fault that images meet without an attacker, at one strength.
///
/// What comes out is what a camera would store: 8 bits per value.
package struct Corruption: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// Normal noise on each value; the strength is its deviation, in units of pixel values (white is 1).
        case noise
        /// A Gaussian blur; the strength is its deviation in pixels. Pixels beyond the border are as the nearest inside.
        case blur
        /// JPEG with colour at half resolution; the strength is the quality, 1 to 100.
        case jpeg
        /// The strength is added to each value, in units of pixel values.
        case brightness
    }

    package var kind: Kind
    package var strength: Double

    package init(_ kind: Kind, _ strength: Double) {
        self.kind = kind
        self.strength = strength
    }

    /// What is measured if nobody says otherwise: each fault from hardly visible to strong.
    package static let usual: [Corruption] =
        [0.02, 0.05, 0.1].map { Corruption(.noise, $0) } + [0.5, 1, 2].map { Corruption(.blur, $0) }
        + [80, 50, 20].map { Corruption(.jpeg, $0) } + [-0.2, -0.1, 0.1, 0.2].map { Corruption(.brightness, $0) }

    /// In words, such as `noise σ = 0.05`.
    package var title: String {
        switch kind {
        case .noise: "noise σ = \(Self.text(strength))"
        case .blur: "blur σ = \(Self.text(strength)) px"
        case .jpeg: "JPEG quality \(Self.text(strength))"
        case .brightness: "brightness \(strength < 0 ? "−" : "+")\(Self.text(abs(strength)))"
        }
    }

    private static func text(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }

    /// The stream of the noise among those of evaluations.
    private static let stream = 13 << 20

    /// Corrupts one image in place.
    ///
    /// - Parameters:
    ///   - pixels: [height, width, channels].
    ///   - index: in the data set: with the seed it keys the noise, which is the same at every strength but for its size.
    /// - Throws: `Failure` if the JPEG library fails.
    package func apply(to pixels: inout [UInt8], shape: ImageShape, index: Int, seed: UInt64) throws {
        switch kind {
        case .noise:
            var noise = [Float](repeating: 0, count: shape.count)
            Philox(seed: seed, purpose: .evaluation, epoch: Self.stream, sample: index)
                .fillNormal(&noise, count: shape.count, standardDeviation: Float(strength))
            for i in pixels.indices { pixels[i] = Self.byte(Float(pixels[i]) + 255 * noise[i]) }
        case .brightness:
            let shift = Float(255 * strength)
            for i in pixels.indices { pixels[i] = Self.byte(Float(pixels[i]) + shift) }
        case .blur: blur(&pixels, shape)
        case .jpeg:
            guard let channels = Channels(rawValue: shape.channels) else {
                throw Failure.usage("JPEG needs images of 1 or 3 channels, these have \(shape.channels)")
            }
            let image = Image(size: PixelSize(width: shape.width, height: shape.height), channels: channels, pixels: pixels)
            let bytes = try image.encodedAsJPEG(quality: Int(strength))
            pixels = try bytes.withUnsafeBytes {
                try Image.decode($0, name: "image \(index) as JPEG", options: DecodingOptions(channels: channels)).image.pixels
            }
        }
    }

    private func blur(_ pixels: inout [UInt8], _ shape: ImageShape) {
        guard strength > 0 else { return }
        let reach = max(1, Int((3 * strength).rounded(.up)))
        var weights = (-reach...reach).map { Float(exp(-Double($0 * $0) / (2 * strength * strength))) }
        let sum = weights.reduce(0, +)
        for i in weights.indices { weights[i] /= sum }
        var (source, target) = (pixels.map(Float.init), [Float](repeating: 0, count: shape.count))
        // Along the rows, then along the columns.
        for isVertical in [false, true] {
            for row in 0..<shape.height {
                for column in 0..<shape.width {
                    for channel in 0..<shape.channels {
                        var value: Float = 0
                        for (place, weight) in weights.enumerated() {
                            let y = isVertical ? min(max(row + place - reach, 0), shape.height - 1) : row
                            let x = isVertical ? column : min(max(column + place - reach, 0), shape.width - 1)
                            value += weight * source[(y * shape.width + x) * shape.channels + channel]
                        }
                        target[(row * shape.width + column) * shape.channels + channel] = value
                    }
                }
            }
            swap(&source, &target)
        }
        for i in pixels.indices { pixels[i] = Self.byte(source[i]) }
    }

    private static func byte(_ value: Float) -> UInt8 { UInt8(min(max(value.rounded(), 0), 255)) }
}
