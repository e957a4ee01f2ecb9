import Datasets

extension CheckedEvaluation {
    /// What the ledger says at one radius.
    ///
    /// - Parameter chosen: the images that are checked, by index.
    package init(_ view: LedgerView, _ result: EvaluationResult, epsilon: Float, chosen: [Int]) {
        let positions = Dictionary(uniqueKeysWithValues: view.ledger.indices.enumerated().map { ($1, $0) })
        let robust = view.robust(epsilon)
        let whole = view.chain(.region, .all, epsilon)
        let transfer = view.chain(.transfer, .all, epsilon)
        let standing = chosen.filter { positions[$0].map { robust[$0] } ?? false }
        // Square is the attack without gradients; an image that fell to another counts as fallen to gradients.
        let standingGradients = chosen.filter { index in
            guard let position = positions[index], view.isRight[position], let whole else { return false }
            guard let phase = view.phase(whole, position) else { return true }
            return view.ledger.plan.phases[phase].name == "square"
        }
        self.init(
            standing: Set(standing), standingGradients: Set(standingGradients),
            fallenToTransfer: transfer.map { chain in Set(view.ledger.indices.enumerated().filter { view.hasFallen(chain, $0.offset) }.map(\.element)) },
            largest: view.largest, perturbed: view.perturbed, unconfirmed: result.chains.flatMap(\.attacks).reduce(0) { $0 + $1.unconfirmed },
            weaknesses: result.headline.flatMap(\.weaknesses).reduce(0) { $0 + $1.indices.count })
    }
}

extension CheckSettings {
    /// The settings for an evaluation: at its largest radius that leaves a tenth of the right images standing, for where nothing
    /// stands there is nothing to check; nil if no attack was made.
    package init?(_ view: LedgerView) {
        let (radii, right) = (view.epsilons, view.isRight.count { $0 })
        guard let smallest = radii.first, !view.description.attack.isEmpty else { return nil }
        let epsilon = radii.last { 10 * view.robust($0).count { $0 } >= right } ?? smallest
        self.init(norm: view.description.norm, epsilon: epsilon, seed: view.description.seed, attack: view.description.attack)
    }
}
