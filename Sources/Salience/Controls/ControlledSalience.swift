import Diagnostics
import Images
import Kernels

/// Maps seen through a rule: brought to equal coverage, or replaced by a control's, one by one as they are asked for.
///
/// An image without a map (unseen, or confirmed empty) stays without one. What an image gets follows from the maps, the seed and
/// its index alone, or, with `SalienceRule.redrawn`, from the epoch too.
package final class ControlledSalience: SalienceSource {
    private let base: (any SalienceSource)?
    private let rule: SalienceRule
    /// For each image, whose map it gets; nil where it has none itself.
    private let partners: [Int32?]
    /// The centre prior.
    private let prior: [Float]
    package let count: Int
    package let size: PixelSize

    /// - Parameters:
    ///   - base: nil where there are no maps; then every image gets one, of the rule's coverage.
    ///   - count, size: of the images and of their maps.
    /// - Throws: `Failure` where the rule needs maps, or two of them, and there are none.
    package init(_ base: (any SalienceSource)?, rule: SalienceRule, count: Int, size: PixelSize) throws {
        self.base = base
        self.rule = rule
        (self.count, self.size) = (count, size)
        guard base != nil || rule.control == .centrePrior || rule.control == .random && rule.coverage > 0 else {
            throw Failure.usage(
                rule.control.map { "salience.source \($0.rawValue) needs maps" } ?? "salience.coverage needs maps",
                remedy: "give salience.maps or salience.estimator" + (rule.control == .random ? ", or the share to protect: salience.coverage=0.3" : ""))
        }
        var prior = [Float](repeating: 0, count: rule.control == .centrePrior ? size.pixels : 0)
        if !prior.isEmpty { CentrePrior().write(height: size.height, width: size.width, into: &prior) }
        self.prior = prior
        partners = rule.control == .shuffled ? try Self.partners(base, count: count, seed: rule.seed) : []
    }

    /// Deals the maps of those that have one out among them.
    private static func partners(_ base: (any SalienceSource)?, count: Int, seed: UInt64) throws -> [Int32?] {
        let owners = (0..<count).filter { base?.state(of: $0) == .map }
        guard owners.count != 1 else {
            throw Failure.badData(
                "\(base?.path ?? "the maps"): one image only has a map, so maps cannot be shuffled", remedy: "two or more images need a map")
        }
        var partners = [Int32?](repeating: nil, count: count)
        guard !owners.isEmpty else { return partners }
        for (place, other) in derangement(owners.count, stream: Philox(seed: seed, purpose: .controlShuffle)).enumerated() {
            partners[owners[place]] = Int32(owners[other])
        }
        return partners
    }

    package var path: String { [base?.path, rule.text].compactMap { $0 }.joined(separator: ", ") }

    package var fingerprint: String { [base?.fingerprint, rule.text].compactMap { $0 }.joined(separator: ", ") }

    package func state(of index: Int) -> SalienceState { base?.state(of: index) ?? .map }

    package func read(_ index: Int, into map: UnsafeMutablePointer<Float>) throws { try read(index, epoch: 0, into: map) }

    package func read(_ index: Int, epoch: Int, into map: UnsafeMutablePointer<Float>) throws {
        guard state(of: index) == .map else { return map.update(repeating: 0, count: size.pixels) }
        try base?.read(partners.isEmpty ? index : partners[index].map(Int.init) ?? index, into: map)
        var marked: Int?
        if rule.coverage > 0 {
            marked = coveredPixels(rule.coverage, of: size.pixels)
        } else if base != nil, rule.control == .random || rule.control == .centrePrior {
            marked = (0..<size.pixels).count { 1 - map[$0] < rule.threshold }
        }
        if rule.control == .random {
            let stream = Philox(seed: rule.seed, purpose: .controlBlob, epoch: rule.redrawn ? epoch : 0, sample: index)
            return writeRandomBlob(marked ?? 0, height: size.height, width: size.width, stream: stream, into: map)
        }
        if rule.control == .centrePrior { prior.withUnsafeBufferPointer { map.update(from: $0.baseAddress!, count: size.pixels) } }
        if let marked { writeMostSalient(marked, of: map, height: size.height, width: size.width, into: map) }
    }

    /// The rule, then whose word the maps are that it was applied to.
    package var origins: [SalienceOrigin] {
        var settings: [String: SalienceSetting] = [:]
        if rule.coverage > 0 { settings["coverage"] = .number(rule.coverage) }
        if rule.control != nil { settings["seed"] = .number(Double(rule.seed)) }
        if rule.redrawn { settings["drawn"] = .text("anew each epoch") }
        let name = rule.control?.rawValue ?? "coverage"
        return [SalienceOrigin(kind: .rule, name: name, when: nil, settings: settings, createdBy: "sipat")] + (base?.origins ?? [])
    }

    package func forEachRecord(_ body: (_ index: Int, _ record: SalienceRecord) throws -> Void) throws {
        guard let base else {
            for index in 0..<count { try body(index, SalienceRecord(image: "\(index)", split: "", state: .map, origin: 0)) }
            return
        }
        try base.forEachRecord { index, record in
            var record = record
            record.map = nil
            record.replaced = record.replaced?.map { SalienceRecord.Replaced(state: $0.state, origin: $0.origin.map { $0 + 1 }, map: $0.map) }
            record.origin = record.state == .map ? 0 : record.origin.map { $0 + 1 }
            try body(index, record)
        }
    }
}
