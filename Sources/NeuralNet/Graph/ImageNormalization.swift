import Kernels

/// `(x − mean) / deviation` for each channel: what a network trained on normalised images does first.
///
/// As a part of the network it leaves images, radii and gradients in units of pixels in [0, 1], and its first convolution
/// pads with zeros behind it, as PyTorch's models do: with pixels of the mean.
package struct ImageNormalization: Sendable, Hashable, Codable {
    /// Constants that models of the field were trained with.
    package enum Preset: String, Sendable, Hashable, CaseIterable {
        /// torchvision's.
        case imagenet
        case cifar10

        package var normalization: ImageNormalization {
            switch self {
            case .imagenet: ImageNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
            case .cifar10: ImageNormalization(mean: [0.4914, 0.4822, 0.4465], deviation: [0.2470, 0.2435, 0.2616])
            }
        }
    }

    /// One value per channel, or one for all; deviations are above 0.
    package let mean: [Float]
    package let deviation: [Float]

    /// Of two lists of which one has a single value, that stands for every channel.
    package init(mean: [Float], deviation: [Float]) {
        let count = max(mean.count, deviation.count)
        self.mean = Self.expanded(mean, to: count)
        self.deviation = Self.expanded(deviation, to: count)
    }

    /// The constants for images of `channels` channels; nil if there are another number of them.
    package func expanded(to channels: Int) -> ImageNormalization? {
        guard mean.count == channels || mean.count == 1, deviation.count == mean.count else { return nil }
        return ImageNormalization(mean: Self.expanded(mean, to: channels), deviation: Self.expanded(deviation, to: channels))
    }

    private static func expanded(_ values: [Float], to count: Int) -> [Float] {
        values.count == 1 ? [Float](repeating: values[0], count: count) : values
    }
}

/// The constants where kernels read them.
final class NormalizationConstants: Sendable {
    private let means: FloatBuffer
    private let scales: FloatBuffer
    private let zeros: FloatBuffer
    private let channels: Int

    /// For the network's own normalisation; of no use if it has none.
    init(network: Network) {
        channels = network.input.channels
        let constants = network.normalization ?? ImageNormalization(mean: [0], deviation: [1]).expanded(to: channels)!
        means = FloatBuffer(constants.mean)
        scales = FloatBuffer(constants.deviation.map { 1 / $0 })
        zeros = FloatBuffer(count: channels)
    }

    /// Normalises `rows` pixels.
    func apply(_ pixels: UnsafePointer<Float>, rows: Int, output: UnsafeMutablePointer<Float>) {
        BatchNormalization.apply(
            pixels, rows: rows, channels: channels, mean: means.pointer, scale: scales.pointer, shift: zeros.pointer, addend: nil,
            relu: false, output: output)
    }

    /// The derivative with respect to the pixels, plus `addend`; `output` may be `gradient`.
    func backward(
        _ gradient: UnsafePointer<Float>, rows: Int, addend: UnsafePointer<Float>?, gate: UnsafePointer<Float>?,
        output: UnsafeMutablePointer<Float>
    ) {
        Elementwise.scaleGradient(
            gradient, rows: rows, channels: channels, scale: scales.pointer, addend: addend, gate: gate, output: output)
    }
}
