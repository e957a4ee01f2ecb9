import Attacks

/// What is done to each image: first a look at it as it is, then chains of attacks.
///
/// Within a chain an attack is given the images that are right and have withstood those before it; chains know nothing of
/// each other. A phase is one attack of one chain.
package struct EvaluationPlan: Sendable {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// The attacks that were asked for, over the region's pixels.
        case region
        /// Images that fooled earlier models, and an attack that starts from them.
        case against
        /// Images made on another model.
        case transfer
    }

    package struct Chain: Sendable {
        package let kind: Kind
        package let region: EvaluationProtocol.Region
        package let epsilon: Float
        package let phases: Range<Int>

        /// Of the table, and of the files of kept images.
        package var name: String { kind == .region ? region.rawValue : kind.rawValue }
    }

    package struct Phase: Sendable {
        /// Nil for the look at the images as they are, phase 0.
        package let chain: Int?
        package let name: String
        package let attack: (any Attack)?
    }

    package private(set) var chains: [Chain] = []
    package private(set) var phases: [Phase] = [Phase(chain: nil, name: LedgerLine.clean, attack: nil)]

    package init() {}

    /// The plan of an evaluation that is read only: its attacks have names and nothing else.
    package init(reading description: EvaluationDescription) {
        for chain in description.chains {
            let first = phases.count
            phases += chain.attacks.map { Phase(chain: chains.count, name: $0.name, attack: nil) }
            chains.append(Chain(kind: chain.kind, region: chain.region, epsilon: chain.epsilon, phases: first..<phases.count))
        }
    }

    /// - Parameter attacks: with names that differ within the region's chains.
    package mutating func add(
        _ kind: Kind = .region, region: EvaluationProtocol.Region = .all, epsilon: Float, attacks: [(name: String, attack: any Attack)]
    ) {
        let first = phases.count
        phases += attacks.map { Phase(chain: chains.count, name: $0.name, attack: $0.attack) }
        chains.append(Chain(kind: kind, region: region, epsilon: epsilon, phases: first..<phases.count))
    }

    package func chain(of phase: Int) -> Chain? { phases[phase].chain.map { chains[$0] } }

    /// The regions in the plan, the whole image first.
    package var regions: [EvaluationProtocol.Region] {
        EvaluationProtocol.Region.allCases.filter { region in chains.contains { $0.region == region } }
    }

    /// The phase that a line is of; nil if the plan has none such. Cost: a look at every phase.
    package func phase(of line: LedgerLine) -> Int? {
        phases.indices.first { phases[$0].name == line.attack && (chain(of: $0)?.epsilon ?? 0) == line.epsilon && (chain(of: $0)?.region ?? .all) == line.region }
    }

    /// The phase of a line, by attack, radius and region.
    struct Key: Hashable {
        let attack: String
        let epsilon: Float
        let region: EvaluationProtocol.Region
    }

    var phaseOfKey: [Key: Int] {
        var table = [Key(attack: LedgerLine.clean, epsilon: 0, region: .all): 0]
        for (index, phase) in phases.enumerated() {
            guard let chain = phase.chain.map({ chains[$0] }) else { continue }
            table[Key(attack: phase.name, epsilon: chain.epsilon, region: chain.region)] = index
        }
        return table
    }
}
