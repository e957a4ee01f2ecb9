extension PilotEstimate {
    /// Smaller amounts of work that would fit, by flag; each is reckoned, and named only if it does.
    ///
    /// - Parameters:
    ///   - plan: one that does not fit.
    ///   - attacks: that may be asked for instead.
    ///   - seconds: that there are.
    package static func whatFits(
        _ plan: PilotPlan, attacks: [String], seconds: Double, rates: PilotRates, classes: Int, trained: Int, heldOut: Int, tested: Int
    ) throws -> [String] {
        func fits(_ change: (inout PilotPlan) -> Void = { _ in }, trained fewer: Int? = nil, tested few: Int? = nil) throws -> Bool {
            var plan = plan
            change(&plan)
            return try PilotEstimate(plan, rates: rates, trained: fewer ?? trained, heldOut: heldOut, tested: few ?? tested).total <= seconds
        }
        /// Shares of a number of images, with some of each class left.
        func shares(of count: Int) -> [Int] { [0.75, 0.5, 0.25, 0.1].map { Int($0 * Double(count)) }.filter { $0 >= 10 * classes } }
        var ways: [String] = []
        if let count = try stride(from: plan.seeds.count - 1, through: 1, by: -1).first(where: { count in try fits({ $0.seeds = Array($0.seeds.prefix(count)) }) }) {
            ways.append("--seeds \(count)")
        }
        if let count = try shares(of: tested).first(where: { try fits(tested: $0) }) { ways.append("--images \(count)") }
        let others = attacks.filter { $0 != plan.evaluation.attack }
        if let attack = try others.first(where: { attack in try fits({ $0.evaluation.attack = attack }) }) { ways.append("--attack \(attack)") }
        if let count = try shares(of: trained).first(where: { try fits(trained: $0) }) { ways.append("--set data.limit=\(count)") }
        return ways
    }
}
