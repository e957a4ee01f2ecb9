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
    /// A square through which the background is seen: its centre, as the object's, and half of its side.
    private let hole: (center: SIMD2<Float>, halfSide: Float)
    private let slope: SIMD2<Float>

    /// Draws words 8 to 27 of the stream.
    init(_ stream: Philox, size: Int, difficulty: Float, shape: SyntheticShape) {
        func between(_ low: Float, _ high: Float, _ word: Int) -> Float { low + (high - low) * stream.uniform(word) }
        func byDifficulty(_ easy: Float, _ hard: Float) -> Float { easy + (hard - easy) * difficulty }
        let size = Float(size)

        self.shape = shape
        radius = size * between(0.32, 0.44, 8)
        // The whole object stays within the image.
        center = SIMD2(between(radius, size - radius, 9), between(radius, size - radius, 10)) - 0.5
        let angle = byDifficulty(0.05, 0.4) * between(-1, 1, 11)
        rotation = SIMD2(cos(angle), sin(angle))
        let holeCenter = center + 0.7 * radius * SIMD2(between(-1, 1, 24), between(-1, 1, 25))
        hole = (holeCenter, 0.7 * difficulty * radius * stream.uniform(26))
        let direction = 2 * Float.pi * stream.uniform(12)
        slope = byDifficulty(0.05, 0.25) / size * SIMD2(cos(direction), sin(direction))

        // Colours on either side of a middle grey, so that neither texture nor noise is clipped.
        let contrast = byDifficulty(0.4, 0.12) * between(0.8, 1.2, 13) * (stream.uniform(14) < 0.5 ? -1 : 1)
        var background = SIMD4<Float>(repeating: between(0.45, 0.55, 15) - contrast / 2)
        var object = SIMD4<Float>(repeating: contrast)
        for c in 0..<3 {
            background[c] += between(-0.05, 0.05, 16 + c)
            object[c] += 0.2 * abs(contrast) * between(-1, 1, 19 + c)
        }
        backgroundColour = background
        objectColour = background + object

        // Some objects are worn: their texture is next to invisible.
        let isWorn = stream.uniform(27) < 0.4 * difficulty
        textureAmplitude = byDifficulty(16, 8) / 255 * (isWorn ? 0.1 : between(0.9, 1.1, 22))
        noiseAmplitude = byDifficulty(2, 10) / 255
    }

    func contains(y: Int, x: Int) -> Bool {
        let point = SIMD2(Float(x), Float(y))
        let fromHole = point - hole.center
        if max(abs(fromHole.x), abs(fromHole.y)) < hole.halfSide { return false }
        let d = (point - center) / radius
        return shape.contains(x: rotation.x * d.x + rotation.y * d.y, y: rotation.x * d.y - rotation.y * d.x)
    }

    /// The slow change of the background's brightness, 0 at the object's centre.
    func gradient(y: Int, x: Int) -> Float {
        slope.x * (Float(x) - center.x) + slope.y * (Float(y) - center.y)
    }
}
