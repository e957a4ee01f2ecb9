import Diagnostics
import Images

/// Masks as lengths of runs.
enum MaskRuns {
    /// By turns 0 and 255, first 0, over all pixels.
    ///
    /// - Throws: `Failure.badData` unless the runs add up to the size.
    static func unpack(_ runs: [Int], size: PixelSize, byColumn: Bool, name: String) throws -> [UInt8] {
        try requireRoom(size, name: name)
        var total = 0
        for run in runs {
            guard run >= 0, run <= size.pixels - total else { total = -1; break }
            total += run
        }
        guard total == size.pixels else {
            throw Failure.badData("\(name): runs of a mask do not add up to its size, \(size) = \(size.pixels) pixels", remedy: "export it again")
        }
        var values = [UInt8](repeating: 0, count: size.pixels)
        var (place, value) = (0, UInt8(0))
        for run in runs {
            if value > 0 {
                for pixel in place..<place + run { values[byColumn ? pixel % size.height * size.width + pixel / size.height : pixel] = value }
            }
            place += run
            value = 255 - value
        }
        return values
    }

    /// COCO's text: six bits per character from '0' on, the sixth saying that more follow, sign in the last; from the fourth run
    /// on the difference to the run before the last (as cocoapi's `rleFrString`).
    static func decode(_ text: String, name: String) throws -> [Int] {
        var runs: [Int] = []
        let bytes = Array(text.utf8)
        var place = 0
        while place < bytes.count {
            var (value, shift, more) = (0, 0, true)
            while more {
                guard place < bytes.count, bytes[place] >= 48, bytes[place] < 48 + 64, shift < 60 else {
                    throw Failure.badData("\(name): the text of a run-length mask is damaged", remedy: "export it again, or give counts as a list")
                }
                let six = Int(bytes[place] - 48)
                value |= (six & 0x1F) << shift
                more = six & 0x20 != 0
                place += 1
                shift += 5
                if !more, six & 0x10 != 0 { value |= -1 << shift }
            }
            runs.append(runs.count > 2 ? value &+ runs[runs.count - 2] : value)
        }
        return runs
    }

    /// Before memory is allocated for a mask.
    static func requireRoom(_ size: PixelSize, name: String) throws {
        guard size.width > 0, size.height > 0, size.pixels <= PixelLimit.standard.maximum else {
            throw Failure.badData("\(name): a mask of \(size), expected 1 to \(PixelLimit.standard.maximum) pixels", remedy: "export it again")
        }
    }
}

/// Label Studio's brush masks: a stream of bits. 32 bits: number of values; 5: bits per value, less 1; four times 4: sizes of
/// run lengths, less 1; then runs: 1 bit, whether it is one value repeated, 2 bits, which of the sizes, the length less 1, and
/// the value or values. Values are R, G, B, A by turns, of which A is the mask (format of the package rle-pack).
enum BrushCoding {
    static func unpack(_ bytes: [UInt8], size: PixelSize, name: String) throws -> [UInt8] {
        try MaskRuns.requireRoom(size, name: name)
        var bits = Bits(bytes)
        func damaged() -> Failure { .badData("\(name): a brush mask is damaged, or not of \(size)", remedy: "export it again") }
        guard let count = bits.read(32), count == 4 * size.pixels, let word = bits.read(5).map({ $0 + 1 }), word <= 8 else { throw damaged() }
        var lengths: [Int] = []
        for _ in 0..<4 {
            guard let length = bits.read(4) else { throw damaged() }
            lengths.append(length + 1)
        }
        var values = [UInt8](repeating: 0, count: size.pixels)
        var place = 0
        while place < count {
            guard let isRun = bits.read(1), let which = bits.read(2), let length = bits.read(lengths[which]), place + length < count else { throw damaged() }
            let end = place + length + 1
            if isRun == 1 {
                guard let value = bits.read(word) else { throw damaged() }
                if value > 0 {
                    var pixel = place + 3 - place % 4
                    while pixel < end {
                        values[pixel / 4] = UInt8(truncatingIfNeeded: value)
                        pixel += 4
                    }
                }
                place = end
            } else {
                while place < end {
                    guard let value = bits.read(word) else { throw damaged() }
                    if place % 4 == 3 { values[place / 4] = UInt8(truncatingIfNeeded: value) }
                    place += 1
                }
            }
        }
        return values
    }

    private struct Bits {
        private let bytes: [UInt8]
        private var place = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        /// The next `count` bits as a number, the highest first; nil where the stream ends.
        mutating func read(_ count: Int) -> Int? {
            guard place + count <= 8 * bytes.count else { return nil }
            var value = 0
            for _ in 0..<count {
                value = value << 1 | Int(bytes[place >> 3] >> UInt8(7 - place & 7)) & 1
                place += 1
            }
            return value
        }
    }
}
