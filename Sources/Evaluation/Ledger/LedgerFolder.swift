import Diagnostics
import Foundation
import Kernels

/// The folder of an evaluation at work, on rank 0: its ledger, and the adversarial images where they are kept.
package final class LedgerFolder: LedgerSink {
    package let path: String
    package let images: KeptImages?
    package private(set) var sums: LedgerSums
    private let writer: LedgerWriter
    private let plan: EvaluationPlan

    /// Goes on with the ledger that was read, or begins one.
    package init(_ ledger: Ledger, shape: ImageShape) throws {
        path = ledger.folder
        plan = ledger.plan
        sums = ledger.sums
        let description = ledger.description
        // The images first: a line promises that its image is there.
        images =
            description.keepsImages
            ? try KeptImages(path, plan: plan, count: ledger.indices.count, shape: shape, areThere: ledger.wholeBytes > 0) : nil
        let header = LedgerHeader(model: description.model.sha256, data: description.data.fingerprint, evaluation: description.hash)
        writer = try LedgerWriter(path + "/" + EvaluationFolder.ledger, header: header, keeping: ledger.wholeBytes)
    }

    package func append(_ line: LedgerLine, phase: Int, position: Int, image: UnsafeBufferPointer<Float>?) throws {
        if let image, let images, let chain = plan.phases[phase].chain { try images.write(image, chain: chain, position: position) }
        try writer.append(line)
        sums.add(line, phase: phase)
    }

    package func synchronize() throws {
        try images?.synchronize()
        try writer.synchronize()
    }
}
