import Digests
import Images

/// An array of maps as a source: one origin for all, and of an empty map nobody knows whether somebody looked.
extension SalienceMaps: SalienceSource {
    package var size: PixelSize { PixelSize(width: width, height: height) }

    package var fingerprint: String {
        withUnsafeBytes { bytes in
            let hash = SHA256()
            Array("\(count) \(size) \(type)".utf8).withUnsafeBytes { hash.update($0) }
            hash.update(bytes)
            return hash.finish()
        }
    }

    package func state(of index: Int) -> SalienceState { isAnnotated(index) ? .map : .unseen }

    package func read(_ index: Int, into map: UnsafeMutablePointer<Float>) { copy(index, into: map) }

    package var origins: [SalienceOrigin] { [SalienceOrigin(provenance, path: path)] }

    package func forEachRecord(_ body: (_ index: Int, _ record: SalienceRecord) throws -> Void) throws {
        for index in 0..<count {
            let bytes = withUnsafeBytes { bytes in SHA256.hex(of: UnsafeRawBufferPointer(rebasing: bytes[index * pixels * type.size..<(index + 1) * pixels * type.size])) }
            let state = state(of: index)
            try body(
                index,
                SalienceRecord(
                    image: "\(index)", split: provenance.dataset.split, state: state, origin: state == .map ? 0 : nil, map: state == .map ? bytes : nil))
        }
    }
}

extension SalienceOrigin {
    /// What the JSON beside an array of maps says.
    init(_ provenance: SalienceProvenance, path: String) {
        if let estimator = provenance.estimator, provenance.source == .estimator {
            self.init(estimator, when: nil, createdBy: provenance.createdBy)
            self.path = path
            note = provenance.note
        } else {
            self.init(kind: .person, name: provenance.source.rawValue, when: nil, path: path, createdBy: provenance.createdBy, note: provenance.note)
        }
    }
}
