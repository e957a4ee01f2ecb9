import Attacks
import Diagnostics
import Digests
import Foundation
import Kernels
import Salience

/// Adversarial images of earlier models: folders of finished evaluations with kept images.
///
/// A corpus is a folder of such folders, or one of them. An evaluation joins it by being written into it
/// (`sipat evaluate --keep-images --output corpus/v2`) or moved there.
package final class Corpus: Sendable {
    /// An earlier evaluation.
    package struct Member: Codable, Sendable, Hashable {
        /// Its folder's name.
        package var name: String
        /// SHA-256 of its model's weights.
        package var model: String
        /// SHA-256 of each file of images that is used.
        package var images: [String: String]
    }

    struct Candidate {
        let file: NpyFile
        let position: Int
    }

    private struct Images: Sendable {
        let file: NpyFile
        let epsilon: Float
        /// Of the images that fell, by index in the data set.
        let positions: [Int: Int]
    }

    /// What an earlier model withstood.
    struct Release: Sendable {
        let name: String
        let model: String
        let epsilon: Float
        /// By index in the data set: whether it was robust.
        let robust: [Int: Bool]
    }

    package let members: [Member]
    let releases: [Release]
    private let images: [Images]

    /// - Parameters:
    ///   - output: the folder of the evaluation that is to use the corpus, which is left out.
    /// - Throws: `Failure` if there is no evaluation with kept images of this norm, or one of other data, or an unfinished one.
    package init(_ paths: [String], data: EvaluationDescription.Data, norm: Norm, leavingOut output: String?) throws {
        var (members, releases, images): ([Member], [Release], [Images]) = ([], [], [])
        for folder in try paths.flatMap(Self.evaluations) where output.map({ !isSameFile($0, folder) }) ?? true {
            let ledger = try Ledger(folder)
            let description = ledger.description
            guard description.keepsImages, description.norm == norm else { continue }
            guard description.data.fingerprint == data.fingerprint, description.data.split == data.split else {
                throw Failure.badData(
                    "\(folder) is of \(description.data.name) \(description.data.split) (\(description.data.fingerprint)), not of \(data.name) \(data.split) (\(data.fingerprint))",
                    remedy: "give --against evaluations of the same images")
            }
            guard ledger.progress.isFinished else {
                throw Failure.usage("\(folder) is not finished", remedy: "go on with it first: sipat evaluate --output \(folder) --resume")
            }
            var hashes: [String: String] = [:]
            for (index, chain) in ledger.plan.chains.enumerated() {
                let path = KeptImages.path(folder, chain.name, epsilon: chain.epsilon)
                let file = try NpyFile(path)
                guard file.type == .float32, file.shape == [ledger.indices.count] + data.shape else {
                    throw Failure.badData("\(path): has shape \(file.shape), expected \([ledger.indices.count] + data.shape) of float32")
                }
                hashes[pathName(path)] = try SHA256.hex(ofFile: path)
                let fallen = ledger.indices.enumerated().filter { ledger.progress.hasFallen(index, $0.offset) }
                images.append(Images(file: file, epsilon: chain.epsilon, positions: Dictionary(uniqueKeysWithValues: fallen.map { ($0.element, $0.offset) })))
            }
            members.append(Member(name: pathName(folder), model: description.model.sha256, images: hashes))
            for epsilon in description.epsilons where epsilon > 0 {
                let robust = ledger.robustPositions(epsilon)
                releases.append(
                    Release(
                        name: pathName(folder), model: description.model.sha256, epsilon: epsilon,
                        robust: Dictionary(uniqueKeysWithValues: ledger.indices.enumerated().map { ($0.element, robust.contains($0.offset)) })))
            }
        }
        guard !members.isEmpty else {
            throw Failure.usage(
                "\(paths.joined(separator: ", ")): holds no evaluation with kept images in norm \(norm.rawValue)",
                remedy: "make one: sipat evaluate … --keep-images --output \(paths.first ?? "corpus")/v1")
        }
        (self.members, self.releases, self.images) = (members, releases, images)
    }

    private static func evaluations(_ path: String) throws -> [String] {
        if FileManager.default.fileExists(atPath: path + "/" + EvaluationFolder.description) { return [path] }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw Failure.inputOutput("cannot read \(path): it is no folder", remedy: "give --against a folder of evaluations")
        }
        return names.sorted().map { path + "/" + $0 }.filter { FileManager.default.fileExists(atPath: $0 + "/" + EvaluationFolder.description) }
    }

    /// What is done with the images: they are tried as they are, and then an attack starts from the strongest.
    package func attacks(_ threat: ThreatModel) -> [(name: String, attack: any Attack)] {
        [("against", EarlierImages(threat: threat, corpus: self)), ("against-apgd-ce", APGD(.crossEntropy, threat))]
    }

    /// The images that fooled an earlier model from within a ball no larger than this.
    func candidates(index: Int, epsilon: Float) -> [Candidate] {
        images.compactMap { images in
            guard images.epsilon <= epsilon, let position = images.positions[index] else { return nil }
            return Candidate(file: images.file, position: position)
        }
    }

    /// Which images have become weaker or stronger since each earlier model, at the radii that both were evaluated at.
    ///
    /// - Parameter robust: by radius: the images that the new model withstands all attacks on, by index.
    package func comparisons(indices: [Int], robust: [Float: Set<Int>]) -> [ReleaseComparison] {
        releases.compactMap { release in
            guard let now = robust[release.epsilon] else { return nil }
            let both = indices.filter { release.robust[$0] != nil }
            return ReleaseComparison(
                name: release.name, model: release.model, epsilon: release.epsilon, compared: both.count,
                weaker: both.filter { release.robust[$0]! && !now.contains($0) },
                stronger: both.filter { !release.robust[$0]! && now.contains($0) })
        }
    }
}

/// A new model beside an earlier one, image by image.
package struct ReleaseComparison: Codable, Sendable, Hashable {
    /// The earlier evaluation, and its model's SHA-256.
    package var name: String
    package var model: String
    package var epsilon: Float
    /// Images that both were evaluated on.
    package var compared: Int
    /// Images (by index) that the earlier model withstood and the new one does not, and the other way round.
    package var weaker: [Int]
    package var stronger: [Int]
}
