import Images

/// Outlines as bytes, little-endian: width, height and number of outlines as 32 bits each; then per outline its number of
/// corners as 32 bits, 0 for a box, and its coordinates as float64 (a box: left, top, right, bottom; else x and y by turns).
enum OutlineCoding {
    static func encode(_ map: OutlinedMap) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ number: Int) { withUnsafeBytes(of: UInt32(number).littleEndian) { bytes += $0 } }
        func add(_ numbers: [Double]) {
            for number in numbers { withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 } }
        }
        add(map.size.width)
        add(map.size.height)
        add(map.outlines.count)
        for outline in map.outlines {
            switch outline {
            case .box(let box):
                add(0)
                add([box.left, box.top, box.right, box.bottom])
            case .polygon(let corners):
                add(corners.count)
                add(corners.flatMap { [$0.x, $0.y] })
            }
        }
        return bytes
    }

    /// Nil where the bytes are not exactly what `encode` makes.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> OutlinedMap? {
        var place = 0
        func number() -> Int? {
            guard bytes.count - place >= 4 else { return nil }
            defer { place += 4 }
            return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
        }
        func coordinate() -> Double {
            defer { place += 8 }
            return Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
        }
        guard let width = number(), let height = number(), let count = number(), width > 0, height > 0, count <= bytes.count / 4 else { return nil }
        guard width <= 1 << 24, height <= 1 << 24 else { return nil }
        let size = PixelSize(width: width, height: height)
        var outlines: [Outline] = []
        outlines.reserveCapacity(count)
        for _ in 0..<count {
            guard let corners = number() else { return nil }
            let numbers = corners == 0 ? 4 : 2 * corners
            guard numbers <= (bytes.count - place) / 8 else { return nil }
            if corners == 0 {
                let (left, top, right, bottom) = (coordinate(), coordinate(), coordinate(), coordinate())
                outlines.append(.box(Box(left: left, top: top, right: right, bottom: bottom)))
            } else {
                outlines.append(
                    .polygon(
                        (0..<corners).map { _ in
                            let x = coordinate()
                            return Point(x: x, y: coordinate())
                        }))
            }
        }
        guard place == bytes.count, outlines.allSatisfy(\.isReasonable) else { return nil }
        return OutlinedMap(outlines, size: size)
    }
}
