import Diagnostics

extension ImageSource {
    /// These images with a salience map each.
    ///
    /// - Parameters:
    ///   - maps: N×H×W in [0, 1], in the order of the images.
    ///   - annotated: per image, whether its map counts; nil: all do.
    ///   - source: the file the maps come from, for messages.
    /// - Throws: `Failure.badData` when a count differs from the data set's, or a value is not a number in [0, 1].
    package func attachingSalience(maps: [Float], annotated: [Bool]? = nil, source: String) throws -> any ImageSource {
        try checkSalience(maps, annotated: annotated, source: source)
        if let dataset = self as? ImageDataset { return dataset.replacingSalience(maps, annotated: annotated) }
        return AnnotatedImages(self, maps: maps, annotated: annotated)
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
