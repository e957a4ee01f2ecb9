import Datasets
import Diagnostics
import Evaluation
import Foundation
import Review

/// Which images of a split a model gets wrong, as an evaluation found it.
enum HardImages {
    /// - Parameter path: an evaluation's folder, or lines of `--per-sample`.
    /// - Returns: images that are wrong as they are, and those that are wrong only under attack, at whatever radius.
    /// - Throws: `Failure` naming what is not of these images.
    static func read(_ path: String, part: ReviewMaterial.Part) throws -> (mistaken: Set<Int>, attacked: Set<Int>) {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? try folder(path, part) : try lines(path, part.images.count)
    }

    private static func folder(_ path: String, _ part: ReviewMaterial.Part) throws -> (mistaken: Set<Int>, attacked: Set<Int>) {
        let view = try LedgerView(path)
        let data = view.description.data
        guard data.fingerprint == part.images.fingerprint else {
            throw Failure.usage(
                "--results \(path) is of \(data.name), \(data.split) (\(data.fingerprint.prefix(12))), not of the images to be reviewed, \(part.dataset.name), \(part.dataset.split) (\(part.images.fingerprint.prefix(12)))",
                remedy: "evaluate these images: sipat evaluate --split \(part.dataset.split) --output …")
        }
        let fallen = view.epsilons.map { view.robust($0) }
        var (mistaken, attacked) = (Set<Int>(), Set<Int>())
        for (position, index) in view.ledger.indices.enumerated() {
            if !view.isRight[position] { mistaken.insert(index) } else if fallen.contains(where: { !$0[position] }) { attacked.insert(index) }
        }
        return (mistaken, attacked)
    }

    private static func lines(_ path: String, _ count: Int) throws -> (mistaken: Set<Int>, attacked: Set<Int>) {
        struct Line: Decodable {
            var index: Int
            var label: Int
            var cleanPrediction: Int
            var robust: Bool
        }
        var (mistaken, attacked) = (Set<Int>(), Set<Int>())
        for (number, bytes) in try ReadableFile.contents(of: path, limit: 4 << 30).split(separator: 0x0A).enumerated() {
            guard let line = try? decodedJSON(Line.self, from: bytes), (0..<count).contains(line.index) else {
                throw Failure.badData(
                    "\(path):\(number + 1): is not a line about one of the \(count) images", remedy: "give what sipat evaluate --per-sample wrote for this split, or its folder")
            }
            if line.cleanPrediction != line.label { mistaken.insert(line.index) } else if !line.robust { attacked.insert(line.index) }
        }
        return (mistaken, attacked)
    }
}
