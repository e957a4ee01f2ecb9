import Diagnostics
import Foundation
import Interchange
import Salience

/// Evaluations as NumPy arrays, images in PyTorch's order of axes.
struct ArrayExport {
    private let view: LedgerView
    private let folder: String

    init(_ view: LedgerView, _ folder: String) {
        self.view = view
        self.folder = folder
    }

    /// `indices`, `labels` and `clean-predictions` (int64, [images]); for each radius `predictions-…` (int64) and `robust-…` (bool),
    /// and, where images were kept, `adversarial-…`: float32, [images, channels, height, width], what became of each image under
    /// the attacks on the whole of it, the image itself where it stands.
    func write() throws -> [String] {
        var written = [
            try write("indices", view.ledger.indices), try write("labels", view.labels), try write("clean-predictions", view.cleanPredictions),
        ]
        for epsilon in view.epsilons {
            let name = EvaluationTable.radius(epsilon).replacing("/", with: "_")
            written.append(try write("predictions-\(name)", view.predictions(epsilon)))
            let path = "\(folder)/robust-\(name).npy"
            try writeAtomically(header("|b1", [view.count]) + view.robust(epsilon).map { $0 ? 1 : 0 }, to: path)
            written.append(path)
            guard view.description.keepsImages, let chain = view.chain(.region, .all, epsilon) else { continue }
            written.append(try writeImages("adversarial-\(name)", of: view.ledger.plan.chains[chain].name, epsilon))
        }
        return written
    }

    private func write(_ name: String, _ values: [Int]) throws -> String {
        let path = "\(folder)/\(name).npy"
        try writeAtomically(header("<i8", [values.count]) + values.flatMap { littleEndian(Int64($0)) }, to: path)
        return path
    }

    private func writeImages(_ name: String, of chain: String, _ epsilon: Float) throws -> String {
        let file = try NpyFile(KeptImages.path(view.folder, chain, epsilon: epsilon))
        let shape = view.description.data.shape
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        guard file.type == .float32, file.shape == [view.count] + shape else {
            throw Failure.badData("\(file.path): has shape \(file.shape), expected \([view.count] + shape) of float32")
        }
        let path = "\(folder)/\(name).npy"
        let count = height * width * channels
        var (stored, turned) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        try writeAtomically(to: path) { sink in
            try header("<f4", [view.count, channels, height, width]).withUnsafeBytes { try sink($0) }
            for position in 0..<view.count {
                try stored.withUnsafeMutableBytes { try file.read(from: position * count, into: $0) }
                for pixel in 0..<height * width {
                    for channel in 0..<channels { turned[channel * height * width + pixel] = stored[pixel * channels + channel] }
                }
                try turned.withUnsafeBytes { try sink($0) }
            }
        }
        return path
    }

    /// NumPy's format 1.0.
    private func header(_ type: String, _ shape: [Int]) -> [UInt8] {
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape.map { "\($0)," }.joined(separator: " "))), }"
        // The array begins at a multiple of 64 bytes.
        text += String(repeating: " ", count: (64 - (11 + text.utf8.count) % 64) % 64) + "\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(UInt16(text.utf8.count)) + Array(text.utf8)
    }
}
