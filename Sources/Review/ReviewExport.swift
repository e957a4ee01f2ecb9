import Diagnostics
import Digests
import Foundation
import Images
import Salience

/// What a review decided, as maps with whose word each is.
package struct ReviewExport {
    /// Numbers of images by what was decided.
    package struct Counts: Hashable, Sendable {
        package var actions: [ReviewAction: Int] = [:]
        package var untouched = 0
    }

    /// A line of `review.jsonl`, beside the maps: the decision that an image's map rests on.
    package struct Line: Codable, Hashable, Sendable {
        package var image: String
        package var split: String
        package var action: ReviewAction
        package var person: String
        package var time: String
        /// The line of the review's log, and what makes it certain.
        package var line: Int
        package var imageHash: String?
        package var before: String?
        package var after: String?
        package var origin: String?
        package var policy: String?
        /// What others decided on the same image.
        package var others: [String]?
    }

    /// How the remark ends that says of an image what was decided.
    fileprivate static let remarkEnd = " of the review's log"

    private let review: Review
    private let material: ReviewMaterial

    package init(_ review: Review, material: ReviewMaterial) {
        self.review = review
        self.material = material
    }

    /// Writes a store, with the policy and `review.jsonl` in its folder.
    ///
    /// An image's map rests on the decision of its first showing, or where that one is not made or was "unsure", on the earliest other one.
    /// An image that nobody decided keeps its map and its maker's word; one judged wrong without a correction becomes unseen; one
    /// that people could not decide keeps its map, with a remark.
    package func write(to output: String, createdBy: String) throws -> Counts {
        guard let fit = material.parts.first?.images.fitRule else { throw Failure.internalError("a review without images") }
        let writer = try SalienceStoreWriter(to: output, size: material.size, fit: fit, datasets: material.parts.map(\.dataset), createdBy: createdBy)
        let first = review.firstItems()
        var others: [Int: [Int]] = [:]
        for (item, entry) in review.queue.entries.enumerated() where entry.first >= 0 && review.state.isDecided(item) {
            others[Int(entry.image), default: []].append(item)
        }
        var counts = Counts()
        var lines: [UInt8] = []
        var start = 0
        for part in material.parts {
            let maps = part.maps[0]
            // An array of maps knows no names: the data set does.
            let names = try part.images.names()
            // The origins' numbers in the new store, as they are met.
            func number(_ origin: Int?) throws -> Int? { try origin.map { try writer.number(of: maps.origins[$0]) } }
            try maps.forEachRecord { index, record in
                let image = start + index
                var replaced = try (record.replaced ?? []).map { SalienceRecord.Replaced(state: $0.state, origin: try number($0.origin), map: $0.map) }
                func line(_ item: Int) throws -> LogLine { try review.log.line(at: review.state.line(of: item).offset) }
                let firstOpinion = try first[image] >= 0 && review.state.isDecided(first[image]) ? line(first[image]) : nil
                let laterOpinions = try (others[image] ?? []).map(line)
                guard let decision = ReviewExport.decisive(firstOpinion, laterOpinions, isUnseen: record.state == .unseen) else {
                    counts.untouched += 1
                    try writer.add(
                        image: names[index], try content(image, record.state), imageHash: record.imageHash, origin: try number(record.origin), file: record.file,
                        fileHash: record.fileHash, replaced: replaced, remarks: record.remarks ?? [])
                    return
                }
                let action = decision.action ?? .unsure
                counts.actions[action, default: 0] += 1
                let otherOpinions = ((firstOpinion.map { [$0] } ?? []) + laterOpinions).filter { $0.line != decision.line }
                let opinionTexts = otherOpinions.map { "\($0.person): \($0.action?.rawValue ?? "?"), \($0.time)" }
                var remarks = record.remarks ?? []
                remarks.append("\(action.rawValue) by \(decision.person), \(decision.time), line \(decision.line)\(ReviewExport.remarkEnd)")
                if otherOpinions.contains(where: { $0.changed != decision.changed }) {
                    remarks.append("disputed: \(opinionTexts.joined(separator: "; "))")
                }
                lines += try jsonBytes(
                    Line(
                        image: names[index], split: part.dataset.split, action: action, person: decision.person, time: decision.time, line: decision.line,
                        imageHash: decision.imageHash, before: decision.before, after: decision.after, origin: decision.origin, policy: decision.policy,
                        others: opinionTexts.isEmpty ? nil : opinionTexts), .line)
                if record.state != .unseen, action != .unsure {
                    replaced.insert(.init(state: record.state, origin: try number(record.origin), map: record.map), at: 0)
                }
                let reviewer = try writer.number(of: origin(decision.person, createdBy: createdBy))
                switch action {
                case .accept:
                    // Accepting that there is no map says nothing of the image.
                    let state: SalienceState = record.state
                    try writer.add(
                        image: names[index], try content(image, state), imageHash: record.imageHash, origin: state == .unseen ? nil : reviewer, replaced: replaced, remarks: remarks)
                case .nothing: try writer.add(image: names[index], .empty, imageHash: record.imageHash, origin: reviewer, replaced: replaced, remarks: remarks)
                case .wrong: try writer.add(image: names[index], .unseen, imageHash: record.imageHash, origin: nil, replaced: replaced, remarks: remarks)
                case .corrected:
                    guard let mask = decision.runs.flatMap({ RunMask(size: material.size, runs: $0) }) else {
                        throw Failure.badData("\(review.log.path):\(decision.line + 1): has no region that fits the image", remedy: ReviewFolder.again)
                    }
                    try writer.add(image: names[index], SalienceContent(pixels: mask.map), imageHash: record.imageHash, origin: reviewer, replaced: replaced, remarks: remarks)
                case .unsure:
                    try writer.add(
                        image: names[index], try content(image, record.state), imageHash: record.imageHash, origin: try number(record.origin), file: record.file,
                        fileHash: record.fileHash, replaced: replaced, remarks: remarks)
                }
            }
            start += part.images.count
        }
        _ = try writer.finish()
        try writeAtomically(lines, to: output + "/review.jsonl")
        try writeAtomically(ReadableFile.contents(of: review.folder.policy), to: output + "/policy.txt")
        return counts
    }

    /// The decision that an image's map rests on: its first showing's; where that says nothing, the earliest of those that do.
    private static func decisive(_ first: LogLine?, _ others: [LogLine], isUnseen: Bool) -> LogLine? {
        // That a map is right which there is not says nothing, either.
        func isWord(_ line: LogLine) -> Bool { line.action != .unsure && !(line.action == .accept && isUnseen) }
        if let first, isWord(first) { return first }
        return others.sorted { $0.line < $1.line }.first(where: isWord) ?? first ?? others.first
    }

    /// The map that was there, in the form it was kept in.
    private func content(_ image: Int, _ state: SalienceState) throws -> SalienceContent {
        switch state {
        case .unseen: return .unseen
        case .empty: return .empty
        case .map:
            let (part, index) = material.place(image)
            if let shapes = try part.maps[0].outlines(of: index) { return .outlines(shapes) }
            return .pixels(try material.map(image))
        }
    }

    private func origin(_ person: String, createdBy: String) -> SalienceOrigin {
        SalienceOrigin(
            kind: .review, name: person, when: nil, path: review.folder.path,
            settings: [
                "policy": .text(review.plan.policyHash), "plan": .text(review.planHash), "log": .text(review.end.head),
                "threshold": .number(review.plan.settings.threshold),
            ],
            createdBy: createdBy, note: "when each image was decided is in its record and in review.jsonl")
    }
}

extension SalienceRecord {
    /// What people last decided of this image's map, in a store that `ReviewExport` wrote; nil where they decided nothing, or could
    /// not.
    package var reviewAction: ReviewAction? {
        (remarks ?? []).reversed().lazy.filter { $0.hasSuffix(ReviewExport.remarkEnd) }
            .compactMap { remark in ReviewAction.allCases.first { $0 != .unsure && remark.hasPrefix("\($0.rawValue) by ") } }.first
    }
}
