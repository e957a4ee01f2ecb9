import Attacks
import Diagnostics
import Digests
import Kernels

/// What was asked of an evaluation with a folder: `evaluation.json`. Two evaluations with equal descriptions have the same
/// lines in their ledgers.
package struct EvaluationDescription: Codable, Sendable, Hashable {
    package struct Model: Codable, Sendable, Hashable {
        /// The network, such as `resnet18`, and its settings in words.
        package var name: String
        package var settings: [String: String]
        /// The weights' file, and the SHA-256 of its bytes.
        package var weights: String
        package var sha256: String
        package var classes: Int

        package init(name: String, settings: [String: String], weights: String, sha256: String, classes: Int) {
            self.name = name
            self.settings = settings
            self.weights = weights
            self.sha256 = sha256
            self.classes = classes
        }
    }

    package struct Data: Codable, Sendable, Hashable {
        package var name: String
        package var split: String
        package var count: Int
        package var fingerprint: String
        /// Of the salience maps, where a region needs them.
        package var salienceFingerprint: String?
        package var classNames: [String]
        /// Height, width, channels.
        package var shape: [Int]

        package init(
            name: String, split: String, count: Int, fingerprint: String, salienceFingerprint: String?, classNames: [String], shape: [Int]
        ) {
            self.name = name
            self.split = split
            self.count = count
            self.fingerprint = fingerprint
            self.salienceFingerprint = salienceFingerprint
            self.classNames = classNames
            self.shape = shape
        }
    }

    /// One chain of attacks of the plan.
    package struct Chain: Codable, Sendable, Hashable {
        package var kind: EvaluationPlan.Kind
        package var region: EvaluationProtocol.Region
        package var epsilon: Float
        package var attacks: [AttackDescription]
    }

    package var format = 1
    /// The version of this program.
    package var program: String
    package var model: Model
    package var data: Data
    /// The images evaluated, as `IndexList` writes them.
    package var images: String
    /// The attacks as they were asked for, such as `autoattack`.
    package var attack: String
    package var norm: Norm
    package var epsilons: [Float]
    package var regions: [EvaluationProtocol.Region]
    package var salienceThreshold: Float
    package var seed: UInt64
    package var keepsImages: Bool
    package var chains: [Chain]
    /// Earlier evaluations whose images are tried: their names, with what identifies them.
    package var against: [Corpus.Member]
    /// The model that transfer attacks are made on.
    package var transferFrom: Model?
    /// What computed convolutions, if not our own loops.
    package var backend: KernelBackend?
    /// The command line that asked for it.
    package var arguments: [String]

    package init(
        program: String, model: Model, data: Data, images: String, attack: String, norm: Norm, epsilons: [Float],
        regions: [EvaluationProtocol.Region], salienceThreshold: Float, seed: UInt64, keepsImages: Bool, plan: EvaluationPlan,
        against: [Corpus.Member] = [], transferFrom: Model? = nil, arguments: [String] = []
    ) {
        self.program = program
        self.model = model
        self.data = data
        self.images = images
        self.attack = attack
        self.norm = norm
        self.epsilons = epsilons
        self.regions = regions
        self.salienceThreshold = salienceThreshold
        self.seed = seed
        self.keepsImages = keepsImages
        self.against = against
        self.transferFrom = transferFrom
        self.arguments = arguments
        let classes = model.classes
        chains = plan.chains.map { chain in
            Chain(
                kind: chain.kind, region: chain.region, epsilon: chain.epsilon,
                attacks: plan.phases[chain.phases].map { phase in
                    var description = phase.attack!.description(classes: classes)
                    description.name = phase.name
                    return description
                })
        }
    }

    /// What differs from the attacks as published because of the model, in words, without repetition.
    package var deviations: [String] {
        var seen: [String] = []
        for attack in chains.flatMap(\.attacks) {
            for deviation in attack.deviations.map({ "\(attack.name): \($0)" }) where !seen.contains(deviation) { seen.append(deviation) }
        }
        return seen
    }

    /// Whether the attacks on the whole image are AutoAttack's standard ones, as published.
    package var isStandard: Bool { attack == "autoattack" && deviations.isEmpty }

    /// SHA-256 of what matters for the lines: all but where files lie.
    package var hash: String {
        var plain = self
        plain.model.weights = ""
        plain.transferFrom?.weights = ""
        plain.arguments = []
        return SHA256.hex(of: (try? jsonBytes(plain, .line)) ?? [])
    }

    /// How another description differs, in words; empty if it is of the same evaluation. Where a file lies does not matter.
    package func differences(from other: EvaluationDescription) -> [String] {
        func short(_ hash: String) -> String { String(hash.prefix(12)) }
        func model(_ description: EvaluationDescription) -> String { "\(description.model.weights) (\(short(description.model.sha256)))" }
        var found: [String] = []
        func compare(_ what: String, _ a: String, _ b: String) { if a != b { found.append("\(what): \(a), not \(b)") } }
        if self.model.sha256 != other.model.sha256 { found.append("model: \(model(self)), not \(model(other))") }
        compare("network", "\(self.model.name) \(Self.text(self.model.settings))", "\(other.model.name) \(Self.text(other.model.settings))")
        let names = { (data: Data) in "\(data.name) \(data.split) (\(data.fingerprint))" }
        compare("data", names(data), names(other.data))
        compare("salience maps", data.salienceFingerprint ?? "none", other.data.salienceFingerprint ?? "none")
        compare("images", images, other.images)
        compare("attacks", attack, other.attack)
        compare("norm", norm.rawValue, other.norm.rawValue)
        let radii = { (radii: [Float]) in radii.map(EvaluationTable.radius).joined(separator: ", ") }
        compare("radii", radii(epsilons), radii(other.epsilons))
        compare("regions", regions.map(\.rawValue).joined(separator: ", "), other.regions.map(\.rawValue).joined(separator: ", "))
        compare("salience threshold", "\(salienceThreshold)", "\(other.salienceThreshold)")
        compare("seed", "\(seed)", "\(other.seed)")
        compare("kept images", "\(keepsImages)", "\(other.keepsImages)")
        compare("earlier images", against.map(\.name).joined(separator: ", "), other.against.map(\.name).joined(separator: ", "))
        compare("transfer from", transferFrom?.sha256 ?? "none", other.transferFrom?.sha256 ?? "none")
        compare("backend", (backend ?? .native).rawValue, (other.backend ?? .native).rawValue)
        compare("program", program, other.program)
        if found.isEmpty, chains != other.chains { found.append("settings of the attacks differ") }
        if found.isEmpty, against != other.against { found.append("images of earlier models have changed") }
        return found
    }

    private static func text(_ settings: [String: String]) -> String {
        settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
}
