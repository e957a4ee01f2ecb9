import Digests
import Images

/// A region: which pixels belong to it.
package struct RunMask: Hashable, Sendable {
    package let size: PixelSize
    /// 1 or 0 per pixel, rows from top to bottom.
    package let pixels: [UInt8]

    package init(size: PixelSize, pixels: [UInt8]) {
        precondition(pixels.count == size.pixels)
        self.size = size
        self.pixels = pixels
    }

    /// What is at or above a threshold, 1 to 255, of a map.
    package init(size: PixelSize, map: [UInt8], threshold: UInt8) {
        self.init(size: size, pixels: map.map { $0 >= threshold ? 1 : 0 })
    }

    /// Lengths of runs, rows from top to bottom, by turns outside and inside, the first outside. Nil unless they are positive
    /// (but for the first) and fill the image exactly.
    package init?(size: PixelSize, runs: [Int]) {
        var pixels = [UInt8](repeating: 0, count: size.pixels)
        var place = 0
        for (number, run) in runs.enumerated() {
            guard run > 0 || number == 0 && run == 0, run <= pixels.count - place else { return nil }
            if number % 2 == 1 { for i in place..<place + run { pixels[i] = 1 } }
            place += run
        }
        guard place == pixels.count else { return nil }
        self.init(size: size, pixels: pixels)
    }

    package var runs: [Int] {
        var runs: [Int] = []
        var (value, length): (UInt8, Int) = (0, 0)
        for pixel in pixels {
            if pixel != value {
                runs.append(length)
                (value, length) = (pixel, 0)
            }
            length += 1
        }
        return runs + [length]
    }

    package var isEmpty: Bool { !pixels.contains(1) }

    /// 255 inside, 0 outside: as a store keeps it.
    package var map: [UInt8] { pixels.map { $0 == 0 ? 0 : 255 } }

    /// SHA-256 of `map`.
    package var hash: String { SHA256.hex(of: map) }

    /// Pixels in both, and in either.
    private func common(with other: RunMask) -> (both: Int, either: Int) {
        var (both, either) = (0, 0)
        for i in pixels.indices {
            both += Int(pixels[i] & other.pixels[i])
            either += Int(pixels[i] | other.pixels[i])
        }
        return (both, either)
    }

    /// Intersection over union; 1 where both are empty.
    package func intersectionOverUnion(_ other: RunMask) -> Double {
        let (both, either) = common(with: other)
        return either == 0 ? 1 : Double(both) / Double(either)
    }

    /// 2 |A ∩ B| / (|A| + |B|); 1 where both are empty.
    package func dice(_ other: RunMask) -> Double {
        let (both, either) = common(with: other)
        return either == 0 ? 1 : 2 * Double(both) / Double(both + either)
    }
}
