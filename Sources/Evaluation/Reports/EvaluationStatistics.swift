import Attacks
import Diagnostics

/// What an evaluation says, with how sure it is: `statistics.json`. The report shows the same numbers.
package struct EvaluationStatistics: Sendable, Hashable, Codable {
    /// A counted share with Wilson's 95 % interval.
    package struct Share: Sendable, Hashable, Codable {
        package var count: Int
        package var correct: Int
        package var accuracy: Double
        package var interval: BinomialInterval

        package init(_ correct: Int, of count: Int) {
            (self.count, self.correct) = (count, correct)
            accuracy = count == 0 ? 0 : Double(correct) / Double(count)
            interval = .wilson(correct, of: count)
        }
    }

    package struct Radius: Sendable, Hashable, Codable {
        /// 0 for the images as they are.
        package var epsilon: Float
        package var accuracy: Share
        package var classes: Breakdown
        /// By what a manifest says of the images.
        package var attributes: [Breakdown]
        package var confusion: ConfusionMatrix
    }

    package struct Region: Sendable, Hashable, Codable {
        package var region: EvaluationProtocol.Region
        package var epsilon: Float
        /// Over the images that have such a region.
        package var accuracy: Share
    }

    /// How much more an attacker gets out of the pixels that SIP-AT protects than out of as many others: images broken through the
    /// salient region for each one broken through a random region of the same area.
    package struct Ratio: Sendable, Hashable, Codable {
        package var epsilon: Float
        /// Images that are right and have a salient region, and how many of them break through it, and through the random one.
        package var count: Int
        package var brokenSalient: Int
        package var brokenRandom: Int
        /// Nil where the random region breaks none.
        package var ratio: Double?
        /// 95 %, by bootstrap over images.
        package var interval: BinomialInterval?
    }

    package var format = 1
    package var level = 0.95
    package var radii: [Radius]
    package var regions: [Region]
    package var ratios: [Ratio]

    /// - Parameter attributes: what is said of the images, by column and then by index in the data set.
    package init(_ view: LedgerView, attributes: [String: [String?]] = [:]) {
        let names = view.description.data.classNames
        radii = ([0] + view.epsilons).map { epsilon in
            let robust = view.robust(epsilon)
            return Radius(
                epsilon: epsilon, accuracy: Share(robust.count { $0 }, of: robust.count),
                classes: Breakdown(attribute: "class", names: names, group: view.labels, isCorrect: robust),
                attributes: attributes.sorted { $0.key < $1.key }.compactMap { column, values in
                    Breakdown(
                        attribute: column, values: view.ledger.indices.map { values.indices.contains($0) ? values[$0] : nil }, isCorrect: robust)
                },
                confusion: ConfusionMatrix(classNames: names, labels: view.labels, predictions: view.predictions(epsilon)))
        }
        regions = view.description.regions.flatMap { region in
            view.epsilons.compactMap { epsilon -> Region? in
                guard let chain = view.chain(.region, region, epsilon) else { return nil }
                let members = view.members(chain)
                let stands = members.count { view.isRight[$0] && !view.hasFallen(chain, $0) }
                return Region(region: region, epsilon: epsilon, accuracy: Share(stands, of: members.count))
            }
        }
        ratios = view.epsilons.compactMap { epsilon in
            guard let salient = view.chain(.region, .salient, epsilon), let random = view.chain(.region, .random, epsilon) else { return nil }
            return Self.ratio(view, epsilon, salient: salient, random: random)
        }
    }

    private static func ratio(_ view: LedgerView, _ epsilon: Float, salient: Int, random: Int) -> Ratio {
        let members = view.members(salient).filter { view.isRight[$0] }
        let (first, second) = (members.map { view.hasFallen(salient, $0) }, members.map { view.hasFallen(random, $0) })
        let (broken, control) = (first.count { $0 }, second.count { $0 })
        return Ratio(
            epsilon: epsilon, count: members.count, brokenSalient: broken, brokenRandom: control,
            ratio: control > 0 ? Double(broken) / Double(control) : nil,
            interval: Bootstrap.interval(count: members.count, seed: view.description.seed) { chosen in
                let below = chosen.count { second[$0] }
                return below > 0 ? Double(chosen.count { first[$0] }) / Double(below) : nil
            })
    }
}
