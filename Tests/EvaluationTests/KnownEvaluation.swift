import Attacks
import Datasets
import Diagnostics
import Evaluation
import Foundation

/// A finished evaluation of a `KnownModel` in a folder of its own.
final class KnownEvaluation {
    /// Of the first classes.
    static let names = ["<script>alert(1)</script>", "a \"b\" & c", "=1+1"]
    static let radii = [4, 8].map { Float($0) / 255 }

    let folder: TemporaryFolder
    let data: any ImageSource
    let model: KnownModel

    /// - Parameters:
    ///   - scale: of the weights; a model of other weights than the usual is another model.
    ///   - regions: besides the whole image.
    init(
        _ model: KnownModel = KnownModel(), count: Int = 24, regions: [EvaluationProtocol.Region] = [], keepsImages: Bool = false,
        attacks: (ThreatModel) -> [any Attack] = { AutoAttack.attacks(.standard, $0) }, attack: String = "autoattack"
    ) throws {
        folder = try TemporaryFolder()
        self.model = model
        let names = Self.names + (3..<max(3, model.classes)).map { "class \($0)" }
        let images = KnownModel(classes: model.classes).dataset(count, names: names)
        // The left half is salient.
        data = try images.attachingSalience(
            maps: (0..<16 * count).map { $0 % 4 < 2 ? 1 : 0 }, annotated: nil, source: "test")
        var plan = EvaluationPlan()
        for region in [.all] + regions {
            for epsilon in Self.radii {
                plan.add(region: region, epsilon: epsilon, attacks: attacks(ThreatModel(norm: .linf, epsilon: epsilon)).map { ($0.name, $0) })
            }
        }
        let description = EvaluationDescription(
            program: "test", model: .init(name: "known", settings: ["width": "4"], weights: "<weights>.safetensors", sha256: "abc", classes: model.classes),
            data: .init(
                name: "known", split: "test", count: count, fingerprint: data.fingerprint, salienceFingerprint: nil, classNames: names,
                shape: [4, 4, 1]),
            images: "0:\(count)", attack: attack, norm: .linf, epsilons: [0] + Self.radii, regions: plan.regions, salienceThreshold: 0.5, seed: 7,
            keepsImages: keepsImages, plan: plan)
        try writeJSON(description, to: folder.path + "/" + EvaluationFolder.description)
        let begun = try Ledger(folder.path, plan: plan)
        let sink = try LedgerFolder(begun, shape: data.imageShape)
        let evaluator = LedgerEvaluator(
            plan, model: model, dataset: data, indices: Array(0..<count), seed: 7, keepsImages: keepsImages)
        let (_, progress) = try evaluator.run(from: begun.progress, communicator: nil, sink: sink)
        let kept = try sink.images.map { try evaluator.verify($0, progress) }
        let result = EvaluationResult(description, progress: progress, sums: sink.sums, indices: Array(0..<count), keptImages: kept)
        try writeJSON(result, to: folder.path + "/" + EvaluationFolder.result)
    }

    func view() throws -> LedgerView { try LedgerView(folder.path) }

    func result() throws -> EvaluationResult {
        try decodedJSON(EvaluationResult.self, from: ReadableFile.contents(of: folder.path + "/" + EvaluationFolder.result))
    }

    /// By index: the distance at which an image falls, 0 for those that are wrong as they are.
    func distances() throws -> [Double] {
        var image = [Float](repeating: 0, count: 16)
        return try (0..<data.count).map { i in
            try data.read(i, values: &image)
            return max(0, model.distance(image, label: Int(data.labels[i])))
        }
    }
}
