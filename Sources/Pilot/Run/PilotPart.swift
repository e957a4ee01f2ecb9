import Diagnostics
import Digests

/// A piece of a pilot's work, with its own folder. A finished one is never done again.
package struct PilotPart: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// What is to be told of images and maps: `material.json`.
        case material
        case training
        case evaluation
        /// What the radius looks like: `pictures.json`.
        case pictures
    }

    package var kind: Kind
    /// Of trainings and evaluations.
    package var method: PilotMethod?
    package var seed: Int?

    /// As it stands in the ledger, such as `training sip-at 0`.
    package var name: String { [kind.rawValue, method?.rawValue, seed.map { "\($0)" }].compactMap { $0 }.joined(separator: " ") }

    /// Whether it is made again in seconds, and so may be, when the plan has changed.
    package var isQuick: Bool { kind == .material || kind == .pictures }

    /// The folder of a model's training and evaluation, within the pilot's.
    package static func folder(_ method: PilotMethod, _ seed: Int) -> String { "parts/\(method.rawValue)-\(seed)" }
    package static func run(_ method: PilotMethod, _ seed: Int) -> String { folder(method, seed) + "/run" }
    package static func evaluation(_ method: PilotMethod, _ seed: Int) -> String { folder(method, seed) + "/evaluation" }

    /// All parts of a plan in the order in which they are done: a model is evaluated as soon as it is trained, and the first seed of
    /// every method comes first, so that there is something to look at early.
    package static func all(_ plan: PilotPlan) -> [PilotPart] {
        let models = plan.seeds.flatMap { seed in
            plan.allMethods.flatMap { [PilotPart(kind: .training, method: $0, seed: seed), PilotPart(kind: .evaluation, method: $0, seed: seed)] }
        }
        return [PilotPart(kind: .material)] + models + [PilotPart(kind: .pictures)]
    }

    /// SHA-256 of all that decides what comes out of it. What is written for TensorBoard besides does not.
    package func hash(_ plan: PilotPlan) throws -> String { try hash(plan, tensorboard: false) }

    /// Whether a ledger's hash is that of this part. Earlier versions took what is written besides into it.
    package func matches(_ hash: String, _ plan: PilotPlan) throws -> Bool {
        try hash == self.hash(plan, tensorboard: false) || hash == self.hash(plan, tensorboard: true)
    }

    private func hash(_ plan: PilotPlan, tensorboard: Bool) throws -> String {
        func recipe() throws -> String {
            var recipe = try plan.recipe(method!, seed: seed!)
            recipe.logging.tensorboard = tensorboard
            return recipe.yaml(commented: false)
        }
        var text = name
        switch kind {
        // With the version of the file's form.
        case .material, .pictures: text += " 2 " + plan.hash
        case .training: text += try recipe()
        case .evaluation:
            text += try recipe()
            text += String(decoding: try jsonBytes(plan.evaluation, .line), as: UTF8.self)
        }
        return SHA256.hex(of: Array(text.utf8))
    }
}
