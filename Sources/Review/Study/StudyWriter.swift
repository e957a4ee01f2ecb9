import Diagnostics
import Digests
import Foundation
import Images
import Kernels
import Salience

/// Writes a study's folder: pictures as they come, the plan last.
package struct StudyWriter {
    /// An image of the data set, as it is in it.
    package struct Original {
        /// Its number in the split.
        package var index: Int
        package var name: String
        package var label: String
        /// Height × width × channels.
        package var pixels: [UInt8]

        package init(index: Int, name: String, label: String, pixels: [UInt8]) {
            (self.index, self.name, self.label, self.pixels) = (index, name, label, pixels)
        }
    }

    private let folder: StudyFolder
    private let settings: StudySettings
    private let size: PixelSize
    private let channels: Channels
    private let names: [String]
    private var pictures: [StudyPicture] = []

    /// - Parameters:
    ///   - folder: must not be there, or be empty.
    ///   - conditions: for each, what its files are called: `at-8_255`.
    package init(_ folder: StudyFolder, settings: StudySettings, size: PixelSize, channels: Channels, conditions names: [String]) throws {
        (self.folder, self.settings, self.size, self.channels, self.names) = (folder, settings, size, channels, names)
        try makeFolders(folder.pictures)
    }

    /// Writes the pictures of image `place`: as it is, and as each condition left it.
    ///
    /// - Parameter perturbed: one per condition.
    package mutating func add(_ place: Int, _ original: Original, perturbed: [[UInt8]]) throws {
        try write(.clean, place, original, nil, original.pixels)
        for (condition, pixels) in perturbed.enumerated() { try write(.perturbed, place, original, condition, pixels) }
    }

    /// Writes the pictures of a catch trial: as it is, and with every value moved, at random up or down, and the other way where
    /// it would leave 0 to 255.
    package mutating func addCatch(_ place: Int, _ original: Original) throws {
        try write(.clean, place, original, nil, original.pixels)
        let step = Int((settings.catchEpsilon * 255).rounded())
        let draws = Philox(seed: settings.seed, purpose: .study, epoch: 1 << 23, sample: original.index)
        let moved = original.pixels.enumerated().map { i, value -> UInt8 in
            let up = draws.uniform(i, below: 2) == 1
            let moved = Int(value) + (up ? step : -step)
            return UInt8((0...255).contains(moved) ? moved : min(255, max(0, Int(value) + (up ? -step : step))))
        }
        try write(.planted, place, original, nil, moved)
    }

    private mutating func write(_ kind: StudyPicture.Kind, _ place: Int, _ original: Original, _ condition: Int?, _ pixels: [UInt8]) throws {
        let suffix = condition.map { names[$0] } ?? (kind == .clean ? "clean" : "catch")
        let file = String(format: "%05d", place) + "-" + suffix + ".png"
        let bytes = try Image(size: size, channels: channels, pixels: pixels).encodedAsPNG()
        try writeAtomically(bytes, to: folder.pictures + "/" + file)
        let moves = zip(pixels, original.pixels).map { abs(Int($0) - Int($1)) }
        pictures.append(
            StudyPicture(
                kind: kind, image: place, index: original.index, name: original.name, label: original.label, condition: condition, file: file,
                sha256: SHA256.hex(of: bytes), largest: moves.max() ?? 0, changed: Double(moves.count { $0 > 0 }) / Double(max(1, moves.count))))
    }

    /// Writes the list of pictures, the instructions, and last the plan: a folder with a plan is whole.
    ///
    /// - Parameter plan: without the hashes, which this fills in.
    package func finish(_ plan: StudyPlan, instructions: [UInt8]?) throws -> StudyPlan {
        var plan = plan
        let lines = try pictures.flatMap { try jsonBytes($0, .line) }
        (plan.picturesHash, plan.instructionsHash) = (SHA256.hex(of: lines), instructions.map { SHA256.hex(of: $0) })
        try writeAtomically(lines, to: folder.list)
        if let instructions { try writeAtomically(instructions, to: folder.instructions) }
        try writeJSON(plan, to: folder.plan)
        return plan
    }
}
