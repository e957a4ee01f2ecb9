import Foundation
import Kernels

/// The coarse layout of one synthetic image: where the object is and which colours there are.
struct SyntheticScene {
    let objectColour: SIMD4<Float>
    let backgroundColour: SIMD4<Float>
    let textureAmplitude: Float
    let noiseAmplitude: Float

    private let shape: SyntheticShape
    private let center: SIMD2<Float>
    private let radius: Float
    private let rotation: SIMD2<Float>
    private let slope: SIMD2<Float>

    /// Draws words 8 to 23 of the stream.
    init(_ stream: Philox, size: Int, difficulty: Float, shape: SyntheticShape) {
        func between(_ low: Float, _ high: Float, _ word: Int) -> Float { low + (high - low) * stream.uniform(word) }
        func byDifficulty(_ easy: Float, _ hard: Float) -> Float { easy + (hard - easy) * difficulty }
        let size = Float(size)

        self.shape = shape
        radius = size * between(0.26, 0.36, 8)
        // The whole object stays within the image.
        center = SIMD2(between(radius, size - radius, 9), between(radius, size - radius, 10)) - 0.5
        let angle = byDifficulty(0.05, 0.3) * between(-1, 1, 11)
        rotation = SIMD2(cos(angle), sin(angle))
        let direction = 2 * Float.pi * stream.uniform(12)
        slope = byDifficulty(0.05, 0.25) / size * SIMD2(cos(direction), sin(direction))

        let contrast = byDifficulty(0.3, 0.08) * between(0.8, 1.2, 13) * (stream.uniform(14) < 0.5 ? -1 : 1)
        var background = SIMD4<Float>(repeating: between(0.4, 0.6, 15))
        var object = SIMD4<Float>(repeating: contrast)
        for c in 0..<3 {
            background[c] += between(-0.08, 0.08, 16 + c)
            object[c] += 0.3 * abs(contrast) * between(-1, 1, 19 + c)
        }
        backgroundColour = background
        objectColour = background + object
        textureAmplitude = byDifficulty(16, 8) / 255
        noiseAmplitude = byDifficulty(2, 12) / 255
    }

    func contains(y: Int, x: Int) -> Bool {
        let (dx, dy) = ((Float(x) - center.x) / radius, (Float(y) - center.y) / radius)
        return shape.contains(x: rotation.x * dx + rotation.y * dy, y: rotation.x * dy - rotation.y * dx)
    }

    /// The slow change of the background's brightness, 0 at the object's centre.
    func gradient(y: Int, x: Int) -> Float {
        slope.x * (Float(x) - center.x) + slope.y * (Float(y) - center.y)
    }
}
