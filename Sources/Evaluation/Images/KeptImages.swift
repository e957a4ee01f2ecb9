import Attacks
import Datasets
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Salience

/// The adversarial images of an evaluation: for each chain a float32 file `images/NAME-RADIUS.npy` of
/// [images, height, width, channels].
///
/// A file has a place for every image evaluated, in data-set order: the misclassified image where the attack succeeded, else
/// the image as it is. While the evaluation works, places of images that stand hold zeros, without using disk.
package final class KeptImages {
    private let paths: [String]
    private let descriptors: [Int32]
    private let plan: EvaluationPlan
    private let shape: ImageShape
    private let dataStart: Int
    private var areDirty: Set<Int> = []

    package static func path(_ folder: String, _ name: String, epsilon: Float) -> String {
        "\(folder)/images/\(name)-\(EvaluationTable.radius(epsilon).replacingOccurrences(of: "/", with: "_")).npy"
    }

    /// Opens the files, or makes them.
    ///
    /// - Parameter areThere: whether an earlier process has made them.
    /// - Throws: `Failure` if one cannot be written, or is not what it was.
    package init(_ folder: String, plan: EvaluationPlan, count: Int, shape: ImageShape, areThere: Bool) throws {
        self.plan = plan
        self.shape = shape
        let fileShape = [count, shape.height, shape.width, shape.channels]
        let header = npyHeader(.float32, shape: fileShape)
        dataStart = header.count
        let size = header.count + 4 * count * shape.count
        try makeFolders(folder + "/images")
        var (paths, descriptors): ([String], [Int32]) = ([], [])
        for chain in plan.chains {
            let path = Self.path(folder, chain.name, epsilon: chain.epsilon)
            if areThere {
                guard try NpyFile(path).shape == fileShape else {
                    throw Failure.badData("\(path): has shape \(try NpyFile(path).shape), expected \(fileShape)", remedy: "evaluate anew, to another folder")
                }
            }
            let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw Failure.writing(path, error: SystemError(code: errno, operation: "open", path: path)) }
            (paths, descriptors) = (paths + [path], descriptors + [descriptor])
            if !areThere {
                guard ftruncate(descriptor, 0) == 0, ftruncate(descriptor, off_t(size)) == 0 else {
                    throw Failure.writing(path, bytes: size, error: SystemError(code: errno, operation: "lengthen", path: path))
                }
                try header.withUnsafeBytes { try Self.write($0, at: 0, to: descriptor, path: path) }
            }
        }
        (self.paths, self.descriptors) = (paths, descriptors)
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    package func write(_ image: UnsafeBufferPointer<Float>, chain: Int, position: Int) throws {
        try Self.write(
            UnsafeRawBufferPointer(image), at: dataStart + 4 * position * shape.count, to: descriptors[chain], path: paths[chain])
        areDirty.insert(chain)
    }

    package func synchronize() throws {
        for chain in areDirty {
            do { try PosixFileOperations().synchronize(descriptors[chain], path: paths[chain]) } catch {
                throw Failure.writing(paths[chain], error: error)
            }
        }
        areDirty = []
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: Int32, path: String) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure.writing(path, bytes: bytes.count, error: SystemError(code: errno, operation: "write", path: path))
            }
            done += count
        }
    }

    /// Completes the files of a finished evaluation, reads every adversarial image again, and measures it in float64 against
    /// ball, mask and [0, 1], and with a forward pass.
    ///
    /// - Throws: `Failure.badData` naming an image that is not what the ledger says.
    func verify(_ progress: EvaluationProgress, reader: RegionReader, model: any DifferentiableClassifier) throws -> KeptImagesVerification {
        let (image, mask, logits) = (FloatBuffer(count: shape.count), FloatBuffer(count: shape.pixels), FloatBuffer(count: model.classes))
        let kept = FloatBuffer(count: shape.count)
        var verification = KeptImagesVerification(files: [])
        for (index, chain) in plan.chains.enumerated() {
            var entry = KeptImagesVerification.File(name: pathName(paths[index]), images: 0, largest: 0)
            for position in 0..<progress.count where !progress.hasFallen(index, position) {
                _ = try reader.load(position, region: .all, image: image.pointer, mask: mask.pointer)
                try write(UnsafeBufferPointer(start: image.pointer, count: shape.count), chain: index, position: position)
            }
            try synchronize()
            let file = try NpyFile(paths[index])
            for position in 0..<progress.count where progress.hasFallen(index, position) {
                try file.read(from: position * shape.count, into: UnsafeMutableRawBufferPointer(start: kept.pointer, count: 4 * shape.count))
                let (label, place) = try reader.load(position, region: chain.region, image: image.pointer, mask: mask.pointer)
                func refuse(_ what: String) -> Failure {
                    .badData("\(paths[index]): image \(place) \(what)", remedy: "the file was changed, or the disk is bad: evaluate anew, to another folder")
                }
                do {
                    try Admissibility.check(
                        image.pointer, kept.pointer, mask: UnsafePointer(mask.pointer),
                        threat: ThreatModel(norm: progress.norm, epsilon: chain.epsilon), shape: shape, count: 1, names: ["\(place)"])
                } catch let failure as Failure { throw refuse("is not admissible: \(failure.message)") }
                model.logits(of: kept.pointer, batch: 1, into: logits.pointer)
                guard CrossEntropy.prediction(logits.pointer, classes: model.classes) != label else { throw refuse("is not misclassified") }
                entry.images += 1
                entry.largest = max(entry.largest, Self.distance(progress.norm, kept, image))
            }
            verification.files.append(entry)
        }
        return verification
    }

    private static func distance(_ norm: Norm, _ a: FloatBuffer, _ b: FloatBuffer) -> Double {
        var (largest, sum) = (0.0, 0.0)
        for i in 0..<a.count {
            let d = Double(a[i]) - Double(b[i])
            largest = max(largest, abs(d))
            sum += d * d
        }
        return norm == .linf ? largest : sum.squareRoot()
    }
}

/// What was found when kept images were read again.
package struct KeptImagesVerification: Codable, Sendable, Hashable {
    package struct File: Codable, Sendable, Hashable {
        package var name: String
        /// Adversarial images, each of them inside the ball and misclassified again.
        package var images: Int
        /// The largest perturbation, in the evaluation's norm, computed in float64.
        package var largest: Double
    }

    package var files: [File]
}
