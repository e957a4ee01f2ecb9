import Datasets
import Images
import Salience

extension ImageSource {
    /// These images with their maps as `rule` has them; themselves where it changes nothing.
    ///
    /// - Parameter ignored: where there are no maps, the images that are to count as unseen; nil for none.
    /// - Throws: `Failure` where the rule needs maps and there are none.
    package func applying(_ rule: SalienceRule, ignoring ignored: [Bool]? = nil) throws -> any ImageSource {
        guard rule.control != nil || rule.coverage > 0 else { return self }
        let base = hasSalience ? AttachedMaps(images: self) : nil
        return try attachingSalience(
            ControlledSalience(base, rule: rule, count: count, size: imageSize), ignoring: hasSalience ? nil : ignored)
    }
}

/// The maps that images have, whether their own or attached, those left out that they leave out.
private struct AttachedMaps: SalienceSource {
    let images: any ImageSource

    var path: String { images.salience?.path ?? images.name }
    var count: Int { images.count }
    var size: PixelSize { images.imageSize }
    var fingerprint: String { images.salienceFingerprint ?? "" }

    func state(of index: Int) -> SalienceState { images.salienceState(of: index) }

    func read(_ index: Int, into map: UnsafeMutablePointer<Float>) throws {
        guard try !images.readFittedMap(index, into: map) else { return }
        map.update(repeating: 0, count: size.pixels)
    }

    var origins: [SalienceOrigin] {
        images.salience?.origins ?? [SalienceOrigin(kind: .person, name: "\(images.name)'s own", when: nil, createdBy: images.name)]
    }

    func forEachRecord(_ body: (_ index: Int, _ record: SalienceRecord) throws -> Void) throws {
        if let salience = images.salience {
            return try salience.forEachRecord { index, record in
                var record = record
                record.state = state(of: index)
                if record.state == .unseen { record.origin = nil }
                try body(index, record)
            }
        }
        for (index, name) in try images.names().enumerated() {
            let state = state(of: index)
            try body(index, SalienceRecord(image: name, split: "", state: state, origin: state == .map ? 0 : nil))
        }
    }
}
