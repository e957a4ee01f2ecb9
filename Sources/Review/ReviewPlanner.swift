import Diagnostics
import Digests
import Foundation
import Images
import Kernels
import Salience

/// Makes a review: looks at every map once, puts the images in order, writes the folder.
package struct ReviewPlanner {
    /// What to show of a plan.
    package struct Summary {
        package var items: [ReviewItem]
        package var honeypots: [Honeypot]
        package var plan: ReviewPlan
    }

    private let material: ReviewMaterial
    private let settings: ReviewSettings

    /// Images, counted over all splits, that a model gets wrong, as they are and under attack.
    package var mistaken: Set<Int> = []
    package var attacked: Set<Int> = []

    package init(_ material: ReviewMaterial, settings: ReviewSettings) throws {
        try settings.check()
        self.material = material
        self.settings = settings
    }

    /// - Parameters:
    ///   - folder: must not be there, or be empty.
    ///   - progress: called with images looked at, of all.
    /// - Throws: `Failure` when something cannot be read or written.
    package func write(
        to folder: ReviewFolder, data: ReviewPlan.Data, maps: [String], trusted: String?, policy: [UInt8], createdBy: String, progress: (Int, Int) -> Void
    ) throws -> Summary {
        let measures = try (0..<material.count).map { image -> Doubt.Measure in
            let (part, _) = material.place(image)
            let map = try material.map(image)
            let others = try part.maps.indices.dropFirst().map { number in try material.map(image) { $0.maps[number] } }
            var measure = Doubt.Measure(map: map, others: others, level: settings.level, label: material.label(image), isUnseen: material.state(image) == .unseen)
            (measure.isMistaken, measure.isAttacked) = (mistaken.contains(image), attacked.contains(image))
            progress(image + 1, material.count)
            return measure
        }
        let doubt = Doubt(measures)
        var notes: [String] = []
        let builder = QueueBuilder(settings)
        let baits = try HoneypotMaker(material, settings: settings, doubt: doubt).baits(count: builder.honeypotCount(material.count), notes: &notes)
        let names = try material.parts.flatMap { try $0.images.names() }
        let queue = builder.build(doubt, baits: baits, name: { names[$0] }, label: { material.className($0) })

        let lines = try queue.items.flatMap { try jsonBytes($0, .line) }
        let sealed = try jsonBytes(queue.honeypots)
        let plan = ReviewPlan(
            when: logTime(), createdBy: createdBy, data: data, maps: maps, trusted: trusted, settings: settings,
            parts: material.parts.map { .init(dataset: $0.dataset, maps: $0.maps.map(\.fingerprint), trusted: $0.trusted?.fingerprint) }, height: material.size.height,
            width: material.size.width, items: queue.items.count, queueHash: SHA256.hex(of: lines), honeypotsHash: SHA256.hex(of: sealed),
            policyHash: SHA256.hex(of: policy), notes: notes)
        try makeFolders(folder.path)
        try writeAtomically(lines, to: folder.queue)
        try writePrivately(sealed, to: folder.honeypots)
        try writeAtomically(policy, to: folder.policy)
        // Last: a folder with a plan is whole.
        try writeJSON(plan, to: folder.plan)
        return Summary(items: queue.items, honeypots: queue.honeypots, plan: plan)
    }
}

/// Chooses images whose maps are known to be right, and makes wrong ones of others.
struct HoneypotMaker {
    /// What a plan notes where honeypots start from maps that nobody vouched for.
    static let withoutTrusted = (
        english: "no maps are known to be right (--trusted): maps that leave the least doubt were taken for it, so some \"false alarms\" may be people finding real errors",
        japanese: "正しいと確認されたマップ（--trusted）がないため、疑いの最も少ないマップを正しいものとみなしました。「誤警報」の一部は、人が本当の誤りを見つけたものかもしれません"
    )

    /// What a status notes where an older plan does not say which maps were known to be right.
    static let uncheckedTrusted = (
        english: "the plan does not hold the fingerprint of the maps known to be right (--trusted): whether they are the same still is not known",
        japanese: "この計画には正しいと確認されたマップ（--trusted）のフィンガープリントがなく、今も同じものかどうかは確認できません"
    )

    private let material: ReviewMaterial
    private let settings: ReviewSettings
    private let doubt: Doubt

    init(_ material: ReviewMaterial, settings: ReviewSettings, doubt: Doubt) {
        self.material = material
        self.settings = settings
        self.doubt = doubt
    }

    /// Half of them right, half of them wrong by turns: another image's map, a shifted one, an emptied one. All begin with maps of
    /// `--trusted`, or where there are none with those that leave the least doubt.
    func baits(count: Int, notes: inout [String]) throws -> [QueueBuilder.Bait] {
        guard count > 0 else { return [] }
        let hasTrusted = material.parts.contains { $0.trusted != nil }
        func isUsable(_ image: Int) -> Bool {
            let (part, index) = material.place(image)
            return (hasTrusted ? part.trusted : part.maps[0])?.state(of: index) == .map
        }
        // From the far end of the doubt, so that the image itself comes late; a random choice among trusted ones.
        let candidates = (hasTrusted ? Philox(seed: settings.seed, purpose: .review, epoch: 3).permutation(material.count) : doubt.order.reversed()).filter(isUsable)
        let chosen = Array(candidates.prefix(count))
        if !hasTrusted {
            notes.append(HoneypotMaker.withoutTrusted.english)
        }
        if chosen.count < count { notes.append("\(chosen.count) honeypots instead of \(count): so many images have a map to start from") }
        let bytes = { (image: Int) in hasTrusted ? try material.map(image) { $0.trusted } : try material.map(image) }
        func region(_ map: [UInt8]) -> RunMask { RunMask(size: material.size, map: map, threshold: settings.level) }
        var baits: [QueueBuilder.Bait] = []
        var skipped = 0
        for (number, image) in chosen.enumerated() {
            guard number % 2 == 1 else {
                baits.append(.init(image: image, honeypot: Honeypot(item: 0, kind: .right, trusted: hasTrusted)))
                continue
            }
            let own = region(try bytes(image))
            let draw = Philox(seed: settings.seed, purpose: .review, epoch: 4, sample: image)
            // A planted map must differ plainly, and must mark something unless it is the emptied kind.
            func differs(_ honeypot: Honeypot) throws -> Bool {
                let planted = region(try honeypot.map(image, in: material))
                return planted.intersectionOverUnion(own) < 0.4 && (honeypot.kind == .emptied) == planted.isEmpty
            }
            var tries: [Honeypot] = []
            for attempt in 0..<6 {
                let other = chosen[draw.uniform(attempt, below: chosen.count)]
                tries.append(Honeypot(item: 0, kind: .swapped, other: other, trusted: hasTrusted))
            }
            let shifts = [(2, 0), (0, 2), (2, 2), (3, 3)].map { x, y in
                Honeypot(item: 0, kind: .shifted, columns: x == 0 ? 0 : material.size.width / x, rows: y == 0 ? 0 : material.size.height / y, trusted: hasTrusted)
            }
            let emptied = [Honeypot(item: 0, kind: .emptied, trusted: hasTrusted)]
            switch number / 2 % 5 {
            case 0, 2: tries = tries + shifts + emptied
            case 1, 3: tries = shifts + tries + emptied
            default: tries = emptied + shifts
            }
            guard let planted = try tries.first(where: { try differs($0) }) else {
                skipped += 1
                continue
            }
            baits.append(.init(image: image, honeypot: planted))
        }
        if skipped > 0 { notes.append("\(skipped) honeypots were left out: their maps mark nothing that could be put wrong") }
        return baits
    }
}

/// Writes a file that only its owner may read.
func writePrivately(_ bytes: [UInt8], to path: String) throws {
    let temporary = pathFolder(path) + "/" + incompletePrefix + pathName(path) + "-\(getpid())"
    unlink(temporary)
    let files = PosixFileOperations()
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "create", path: path)) }
    do {
        defer { try? files.close(descriptor, path: temporary) }
        try bytes.withUnsafeBytes { try files.write($0, to: descriptor, path: temporary) }
        try files.synchronize(descriptor, path: temporary)
        try files.rename(temporary, to: path)
        try files.synchronizeDirectory(pathFolder(path))
    } catch {
        unlink(temporary)
        throw Failure.writing(path, bytes: bytes.count, error: error)
    }
}
