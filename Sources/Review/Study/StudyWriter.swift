import Diagnostics
import Digests
import Foundation
import Images
import Kernels
import Salience

/// Writes a study's folder: pictures as they come, the plan last. A folder that was left unfinished is taken up.
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
    private let draft: StudyPlan
    private let size: PixelSize
    private let channels: Channels
    private let unfinished: UnfinishedStudy
    private var catches: [StudyPicture] = []

    /// - Parameters:
    ///   - folder: must not be there, be empty, or hold what an earlier call for the same plan has left.
    ///   - draft: the plan without hashes and roundings.
    /// - Throws: `Failure` when the folder holds something else.
    package init(_ folder: StudyFolder, plan draft: StudyPlan) throws {
        guard let channels = Channels(rawValue: draft.channels) else { throw Failure.internalError("pictures of \(draft.channels) channels") }
        (self.folder, self.draft, self.channels) = (folder, draft, channels)
        size = PixelSize(width: draft.width, height: draft.height)
        unfinished = try UnfinishedStudy(folder, draft: draft)
    }

    /// Images whose pictures are there.
    package var done: Set<Int> { Set(unfinished.parts.map(\.image)) }

    /// Writes the pictures of image `place`: as it is, and as each condition left it.
    ///
    /// - Parameters:
    ///   - perturbed: one per condition.
    ///   - roundings: what 8 bits did to each.
    package mutating func add(_ place: Int, _ original: Original, perturbed: [[UInt8]], roundings: [StudyPlan.Rounding]) throws {
        precondition(perturbed.count == draft.conditions.count && roundings.count == draft.conditions.count)
        var pictures = [try write(.clean, place, original, nil, original.pixels)]
        for (condition, pixels) in perturbed.enumerated() { pictures.append(try write(.perturbed, place, original, condition, pixels)) }
        try unfinished.add(StudyPart(image: place, pictures: pictures, roundings: roundings))
    }

    /// Writes the pictures of a catch trial: as it is, and with every value moved, at random up or down, and the other way where
    /// it would leave 0 to 255.
    package mutating func addCatch(_ place: Int, _ original: Original) throws {
        let step = Int((draft.settings.catchEpsilon * 255).rounded())
        let draws = Philox(seed: draft.settings.seed, purpose: .study, epoch: 1 << 23, sample: original.index)
        let moved = original.pixels.enumerated().map { i, value -> UInt8 in
            let up = draws.uniform(i, below: 2) == 1
            let moved = Int(value) + (up ? step : -step)
            return UInt8((0...255).contains(moved) ? moved : min(255, max(0, Int(value) + (up ? -step : step))))
        }
        catches += [try write(.clean, place, original, nil, original.pixels), try write(.planted, place, original, nil, moved)]
    }

    private func write(_ kind: StudyPicture.Kind, _ place: Int, _ original: Original, _ condition: Int?, _ pixels: [UInt8]) throws -> StudyPicture {
        let suffix = condition.map { name($0) } ?? (kind == .clean ? "clean" : "catch")
        let file = String(format: "%05d", place) + "-" + suffix + ".png"
        let bytes = try Image(size: size, channels: channels, pixels: pixels).encodedAsPNG()
        try writeAtomically(bytes, to: folder.pictures + "/" + file)
        let moves = zip(pixels, original.pixels).map { abs(Int($0) - Int($1)) }
        return StudyPicture(
            kind: kind, image: place, index: original.index, name: original.name, label: original.label, condition: condition, file: file,
            sha256: SHA256.hex(of: bytes), largest: moves.max() ?? 0, changed: Double(moves.count { $0 > 0 }) / Double(max(1, moves.count)))
    }

    /// What the files of a condition are called: `at-8_255`.
    private func name(_ condition: Int) -> String {
        let condition = draft.conditions[condition]
        return "\(condition.method)-\(radiusText(condition.epsilon).replacing("/", with: "_"))"
    }

    /// Writes the list of pictures, the instructions, and last the plan: a folder with a plan is whole.
    package func finish(instructions: [UInt8]?) throws -> StudyPlan {
        var plan = draft
        let parts = unfinished.parts.sorted { $0.image < $1.image }
        for place in plan.conditions.indices {
            plan.conditions[place].rounding = parts.reduce(into: StudyPlan.Rounding()) { $0.add($1.roundings[place]) }.mean
        }
        let lines = try (parts.flatMap(\.pictures) + catches).flatMap { try jsonBytes($0, .line) }
        (plan.picturesHash, plan.instructionsHash) = (SHA256.hex(of: lines), instructions.map { SHA256.hex(of: $0) })
        try writeAtomically(lines, to: folder.list)
        if let instructions { try writeAtomically(instructions, to: folder.instructions) }
        try writeJSON(plan, to: folder.plan)
        unfinished.end()
        return plan
    }
}
