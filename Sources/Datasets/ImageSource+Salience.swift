import Diagnostics
import Images
import Salience

extension ImageSource {
    /// These images with a salience map each.
    ///
    /// - Parameters:
    ///   - salience: maps of these images, in their order and of their size.
    ///   - ignored: for each image, whether it is to count as unseen; nil for none.
    /// - Throws: `Failure.badData` when count or size differ.
    package func attachingSalience(_ salience: any SalienceSource, ignoring ignored: [Bool]? = nil) throws -> any ImageSource {
        guard salience.count == count, salience.size == imageSize else {
            throw Failure.badData(
                "\(salience.path): \(salience.count) maps of \(salience.size) for \(count) images of \(imageSize) (\(name))",
                remedy: "make the maps for this data set and split, one per image, in the order of the images")
        }
        return AnnotatedImages(self, source: salience, ignoring: ignored)
    }

    /// Images in each state of salience. O(count).
    package var salienceCounts: SalienceCounts {
        (0..<count).reduce(into: SalienceCounts()) { $0[salienceState(of: $1)] += 1 }
    }
}

extension ImageDataset {
    /// These images with a salience map each, in memory.
    ///
    /// - Parameters:
    ///   - maps: N×H×W in [0, 1], in the order of the images.
    ///   - annotated: per image, whether its map counts; nil: all do.
    ///   - source: where the maps come from, for messages.
    /// - Throws: `Failure.badData` when a count differs from the data set's, or a value is not a number in [0, 1].
    package func attachingSalience(maps: [Float], annotated: [Bool]? = nil, source: String) throws -> ImageDataset {
        try checkSalience(maps, annotated: annotated, source: source)
        return replacingSalience(maps, annotated: annotated)
    }

    private func checkSalience(_ maps: [Float], annotated: [Bool]?, source: String) throws {
        let size = imageShape.pixels
        guard maps.count == count * size else {
            throw Failure.badData(
                "\(source): \(maps.count) salience values (\(maps.count / size) maps of \(imageShape.height)×\(imageShape.width)), "
                    + "expected \(count * size) (one map for each of the \(count) images of \(name))",
                remedy: "make the maps for this data set and split, one per image, in the order of the images")
        }
        if let annotated, annotated.count != count {
            throw Failure.badData(
                "\(source): says for \(annotated.count) images whether they are annotated, expected \(count), as \(name) has",
                remedy: "make the maps for this data set and split, one flag per image, in the order of the images")
        }
        if let bad = maps.firstIndex(where: { !($0 >= 0 && $0 <= 1) }) {
            let (y, x) = (bad % size / imageShape.width, bad % imageShape.width)
            throw Failure.badData(
                "\(source): map \(bad / size), row \(y), column \(x): found \(maps[bad]), expected a number from 0 to 1",
                remedy: "scale the maps so that 0 is background and 1 is meaningful")
        }
    }
}
