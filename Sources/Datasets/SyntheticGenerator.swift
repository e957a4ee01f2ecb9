import Foundation
import Kernels

/// Makes images on which the effect of salience-masked adversarial training can be seen in minutes.
///
/// Each image shows one object on a background; the true object mask is its salience map. The class is a pair of
///  - a coarse shape, seen by its contrast in brightness, far above an L∞ budget of 8/255, and
///  - a fine texture of the object with an amplitude of 16/255 (difficulty 0) to 8/255 (difficulty 1): an adversary with
///    that budget everywhere can erase or exchange it, so adversarial training has to give it up; training that
///    protects salient pixels can go on using it. A share of 0.4 · difficulty of the objects is worn: almost no texture.
///
/// The background has a faint texture (6/255) that agrees with the class with probability `backgroundCorrelation`: a
/// shortcut for natural training, worthless under attack. With difficulty grow the noise, the unevenness of the
/// background and the hole that is cut into the object; contrast and texture shrink.
///
/// Everything about image i of a split is drawn from Philox keyed by (seed, synthetic, split, i). Classes are balanced.
package struct SyntheticGenerator: Sendable {
    private let configuration: SyntheticConfiguration
    private let shapes: Int

    private static let finePeriod: Float = 3
    private static let coarsePeriod: Float = 4.5
    private static let backgroundAmplitude: Float = 6 / 255
    /// Noise is drawn from this block of an image's stream on; what comes before is for its parameters.
    private static let noiseBlock: UInt32 = 16

    /// - Throws: `Failure.usage` for settings out of range.
    package init(_ configuration: SyntheticConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        shapes = min(SyntheticShape.allCases.count, max(2, (configuration.classes + 1) / 2))
    }

    /// One split, with salience. About 50 µs for an image of 32×32×3.
    package func dataset(_ split: DatasetSplit) -> ImageDataset {
        let shape = configuration.imageShape
        let count = split == .train ? configuration.trainCount : configuration.testCount
        var pixels = [UInt8](repeating: 0, count: count * shape.count)
        var salience = [Float](repeating: 0, count: count * shape.pixels)
        pixels.withUnsafeMutableBufferPointer { pixels in
            salience.withUnsafeMutableBufferPointer { salience in
                for i in 0..<count {
                    draw(
                        i, split, pixels: pixels.baseAddress! + i * shape.count,
                        salience: salience.baseAddress! + i * shape.pixels)
                }
            }
        }
        return ImageDataset(
            name: "synthetic", imageShape: shape, classNames: (0..<configuration.classes).map(className), pixels: pixels,
            labels: (0..<count).map { Int32($0 % configuration.classes) }, salience: salience,
            annotated: [Bool](repeating: true, count: count))
    }

    private func className(_ label: Int) -> String {
        "\(SyntheticShape(rawValue: label % shapes)!) with texture \(label / shapes)"
    }

    private func draw(
        _ index: Int, _ split: DatasetSplit, pixels: UnsafeMutablePointer<UInt8>, salience: UnsafeMutablePointer<Float>
    ) {
        let stream = Philox(
            seed: configuration.seed, purpose: .synthetic, epoch: split == .train ? 0 : 1, sample: index)
        let label = index % configuration.classes
        let scene = SyntheticScene(
            stream, size: configuration.size, difficulty: Float(configuration.difficulty),
            shape: SyntheticShape(rawValue: label % shapes)!)
        let object = SyntheticTexture(
            index: label / shapes, period: SyntheticGenerator.finePeriod, phases: (stream.uniform(0), stream.uniform(1)),
            size: configuration.size)
        let agrees = Double(stream.uniform(2)) < configuration.backgroundCorrelation
        let background = SyntheticTexture(
            index: agrees ? label : stream.uniform(3, below: configuration.classes),
            period: SyntheticGenerator.coarsePeriod, phases: (stream.uniform(4), stream.uniform(5)), size: configuration.size)

        let channels = configuration.channels
        var noise = NoiseBytes(stream, firstBlock: SyntheticGenerator.noiseBlock)
        var pixel = 0
        for y in 0..<configuration.size {
            for x in 0..<configuration.size {
                let inside = scene.contains(y: y, x: x)
                salience[pixel] = inside ? 1 : 0
                let pattern =
                    inside
                    ? scene.textureAmplitude * object.value(y: y, x: x)
                    : SyntheticGenerator.backgroundAmplitude * background.value(y: y, x: x) + scene.gradient(y: y, x: x)
                let colour = inside ? scene.objectColour : scene.backgroundColour
                for c in 0..<channels {
                    let value = colour[c] + pattern + scene.noiseAmplitude * noise.next()
                    pixels[pixel * channels + c] = UInt8((min(1, max(0, value)) * 255).rounded())
                }
                pixel += 1
            }
        }
    }
}

/// Uniform numbers in [−1, 1), one byte of a Philox stream each.
private struct NoiseBytes {
    private let stream: Philox
    private var block: UInt32
    private var words: SIMD4<UInt32>
    private var position = 0

    init(_ stream: Philox, firstBlock: UInt32) {
        self.stream = stream
        block = firstBlock
        words = stream.block(firstBlock)
    }

    mutating func next() -> Float {
        if position == 16 {
            block &+= 1
            words = stream.block(block)
            position = 0
        }
        let byte = words[position >> 2] >> UInt32(8 * (position & 3)) & 0xFF
        position += 1
        return (Float(byte) - 127.5) / 128
    }
}
