import Kernels

/// The admissible set around one image, and the two moves an attack makes in it.
struct MaskedBall {
    let threat: ThreatModel
    /// [height, width, channels].
    let image: UnsafePointer<Float>
    /// [height, width].
    let mask: UnsafePointer<Float>
    let shape: ImageShape

    /// A random point: uniform per value for L∞; for L2 uniform in the ball (of each of the two balls).
    ///
    /// - Parameter scratch: as many floats as the image has.
    func randomStart(_ random: Philox, scratch: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let (pixels, channels) = (shape.pixels, shape.channels)
        switch threat.norm {
        case .linf:
            random.fillUniform(scratch, count: shape.count, low: -1, high: 1)
            for pixel in 0..<pixels {
                let budget = threat.budget(mask[pixel])
                for i in pixel * channels..<(pixel + 1) * channels {
                    output[i] = min(max(image[i] + min(max(scratch[i] * budget, -budget), budget), 0), 1)
                }
            }
        case .l2:
            // A Gaussian direction, and a radius distributed as r = u^(1/n) (Muller 1959).
            random.fillNormal(scratch, count: shape.count, standardDeviation: 1)
            weigh(scratch)
            let u = random.uniform(4 * ((shape.count + 3) / 4) + 4)
            let radius = power(u, 1 / Float(shape.count))
            let (background, salient) = lengths { scratch[$0] }
            let scaleBackground = background > 0 ? threat.epsilon * radius / background : 0
            let scaleSalient = salient > 0 ? threat.epsilonSalient * radius / salient : 0
            for pixel in 0..<pixels {
                let scale = isBackground(mask[pixel]) ? scaleBackground : scaleSalient
                for i in pixel * channels..<(pixel + 1) * channels {
                    output[i] = min(max(image[i] + scratch[i] * scale, 0), 1)
                }
            }
        }
    }

    /// One step of length `size` along the gradient, projected onto the ball and onto [0, 1].
    ///
    /// - Parameter gradient: overwritten.
    func step(_ size: Float, along gradient: UnsafeMutablePointer<Float>, from point: UnsafeMutablePointer<Float>) {
        switch threat.norm {
        case .linf: stepLinf(size, gradient, point)
        case .l2: stepL2(size, gradient, point)
        }
    }

    private func stepLinf(_ size: Float, _ gradient: UnsafeMutablePointer<Float>, _ point: UnsafeMutablePointer<Float>) {
        let channels = shape.channels
        for pixel in 0..<shape.pixels {
            let budget = threat.budget(mask[pixel])
            guard budget > 0 else {
                for i in pixel * channels..<(pixel + 1) * channels { point[i] = image[i] }
                continue
            }
            for i in pixel * channels..<(pixel + 1) * channels {
                let g = gradient[i]
                let moved = point[i] + (g > 0 ? size : g < 0 ? -size : 0)
                point[i] = min(max(image[i] + min(max(moved - image[i], -budget), budget), 0), 1)
            }
        }
    }

    private func stepL2(_ size: Float, _ gradient: UnsafeMutablePointer<Float>, _ point: UnsafeMutablePointer<Float>) {
        let (pixels, channels) = (shape.pixels, shape.channels)
        weigh(gradient)
        let (gb, gs) = lengths { gradient[$0] }
        let length = (gb * gb + gs * gs).squareRoot()
        let scale = length > 0 ? size / length : 0
        for i in 0..<shape.count { point[i] += gradient[i] * scale }
        let (background, salient) = lengths { point[$0] - image[$0] }
        let shrinkBackground = background > threat.epsilon ? threat.epsilon / background : 1
        let shrinkSalient = salient > threat.epsilonSalient ? threat.epsilonSalient / salient : 1
        for pixel in 0..<pixels {
            let frozen = weight(mask[pixel]) == 0
            let shrink = isBackground(mask[pixel]) ? shrinkBackground : shrinkSalient
            for i in pixel * channels..<(pixel + 1) * channels {
                point[i] = frozen ? image[i] : min(max(image[i] + (point[i] - image[i]) * shrink, 0), 1)
            }
        }
    }

    /// Whether a pixel belongs to the ball of radius `epsilon`; with no budget on salient pixels, all that may move do.
    private func isBackground(_ m: Float) -> Bool { threat.epsilonSalient == 0 ? m > 0 : m > 0.5 }

    private func weight(_ m: Float) -> Float {
        threat.epsilonSalient == 0 ? (threat.epsilon > 0 ? m : 0) : 1
    }

    private func weigh(_ values: UnsafeMutablePointer<Float>) {
        for pixel in 0..<shape.pixels {
            let w = weight(mask[pixel])
            for i in pixel * shape.channels..<(pixel + 1) * shape.channels { values[i] *= w }
        }
    }

    /// Euclidean lengths over the pixels of the two balls.
    private func lengths(_ value: (Int) -> Float) -> (background: Float, salient: Float) {
        var (background, salient) = (0.0, 0.0)
        for pixel in 0..<shape.pixels {
            var sum = 0.0
            for i in pixel * shape.channels..<(pixel + 1) * shape.channels { sum += Double(value(i)) * Double(value(i)) }
            if isBackground(mask[pixel]) { background += sum } else { salient += sum }
        }
        return (Float(background.squareRoot()), Float(salient.squareRoot()))
    }
}
