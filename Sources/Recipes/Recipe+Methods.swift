extension Recipe {
    /// What is done besides plain (masked) PGD training, in words; empty where nothing is.
    package var methodText: String {
        var parts: [String] = []
        func shown(_ value: Double) -> String { "\(RecipeValue.number(value))" }
        if objective.name != .crossEntropy { parts.append("objective \(objective.name.rawValue) with β \(shown(objective.beta))") }
        if mode != .natural {
            switch attack.name {
            case .pgd: break
            case .free: parts.append("free training, each batch \(attack.replays) times")
            case .fgsmRS, .nFGSM: parts.append("attack \(attack.name.rawValue)")
            }
            if attack.precision != .float32 { parts.append("attack in \(attack.precision.rawValue)") }
            if attack.warmupEpochs > 0 { parts.append("radius growing for \(shown(attack.warmupEpochs)) epochs") }
        }
        if awp.gamma > 0 {
            parts.append("weights perturbed by \(shown(awp.gamma))" + (awp.warmupEpochs > 0 ? " after \(awp.warmupEpochs) epochs" : ""))
        }
        if ema.decay > 0 { parts.append("averaged weights (decay \(shown(ema.decay))) are validated and evaluated") }
        return parts.joined(separator: ", ")
    }

    /// What the watch for catastrophic overfitting does.
    package var watchAction: Watch.Action {
        guard mode != .natural, data.validation > 0 else { return .off }
        guard watch.action == .automatic else { return watch.action }
        return isSingleStep ? .stop : .off
    }

    /// Whether it trains on the outcome of single steps, which can fail all at once (catastrophic overfitting).
    private var isSingleStep: Bool { mode != .natural && (attack.name != .pgd || attack.steps == 1) }

    /// What to say where nobody can see single steps fail; nil otherwise.
    package var watchWarning: String? {
        guard isSingleStep, data.validation == 0, attack.epsilon > 0 else { return nil }
        let method = attack.name == .pgd ? "attack.steps is 1" : "attack.name is \(attack.name.rawValue)"
        return "warning: \(method), and data.validation is 0: without held-out images nobody sees whether robustness collapses (catastrophic overfitting), which single steps can bring about\n"
            + "  → set data.validation=0.1: then the watch looks after each epoch"
    }

    /// Checks what attack, objective and weight perturbation ask of each other.
    ///
    /// - Parameter require: as in `checkConsistency`: condition, keys, message, remedy.
    func checkMethods(
        require: (Bool, [String], @autoclosure () -> String, @autoclosure () -> String) throws -> Void
    ) throws {
        let (name, loss) = (attack.name, objective.name)
        let isPair = loss != .crossEntropy
        try require(
            !isPair || mode != .natural, ["objective.name", "mode"],
            "objective.name is \(loss.rawValue), but mode is natural: it compares images with attacked ones",
            "set mode=at or mode=sip-at, or objective.name=cross-entropy")
        try require(
            loss != .mart || optimizer.labelSmoothing == 0, ["optimizer.labelSmoothing", "objective.name"],
            "optimizer.labelSmoothing is \(RecipeValue.number(optimizer.labelSmoothing)), but objective.name is mart, whose targets are the labels alone",
            "set optimizer.labelSmoothing=0")
        try require(
            !isPair || name != .free, ["attack.name", "objective.name"],
            "attack.name is free, but objective.name is \(loss.rawValue): free training takes its perturbation from the cross-entropy's own gradient",
            "set objective.name=cross-entropy, or attack.name=pgd, fgsm-rs or n-fgsm")
        try require(
            loss != .trades || name != .pgd || attack.randomStart, ["attack.randomStart", "objective.name"],
            "attack.randomStart is false, but objective.name is trades, whose attack has no gradient at the image itself",
            "set attack.randomStart=true")
        try require(
            attack.start == .automatic || name == .pgd && attack.randomStart, ["attack.start", name == .pgd ? "attack.randomStart" : "attack.name"],
            name == .pgd
                ? "attack.start is \(attack.start.rawValue), but attack.randomStart is false"
                : "attack.start is \(attack.start.rawValue), but attack.name is \(name.rawValue), which has a start of its own",
            "set attack.start=automatic")
        try require(
            name == .pgd || attack.randomStart, ["attack.randomStart", "attack.name"],
            "attack.randomStart is false, but attack.name is \(name.rawValue), which has a start of its own",
            "set attack.randomStart=true, or attack.name=pgd with attack.steps=1 for a step from the image")
        try require(
            name == .pgd || attack.norm == .linf, ["attack.name", "attack.norm"],
            "attack.name is \(name.rawValue), but attack.norm is \(attack.norm.rawValue): it is made for linf",
            "set attack.name=pgd, or attack.norm=linf")
        try require(
            name != .free || attack.maskWhen == .everyStep, ["attack.maskWhen", "attack.name"],
            "attack.maskWhen is final, but attack.name is free, whose perturbation is never finished", "set attack.maskWhen=every-step")
        try require(
            attack.precision == .float32 || name != .free && attack.batchNorm == .evaluation,
            ["attack.precision", name == .free ? "attack.name" : "attack.batchNorm"],
            "attack.precision is \(attack.precision.rawValue), but "
                + (name == .free
                    ? "attack.name is free, whose perturbation comes from the update's own gradient"
                    : "attack.batchNorm is train, so that the attack goes through the update's own layers"),
            "set attack.precision=float32" + (name == .free ? "" : ", or attack.batchNorm=eval"))
        try require(
            name != .nFGSM || attack.noiseRatio > 0, ["attack.noiseRatio"],
            "attack.noiseRatio is 0, but attack.name is n-fgsm: noise is what keeps it from failing", "the paper's is 2")
        try require(
            attack.warmupEpochs < Double(epochs), ["attack.warmupEpochs", "epochs"],
            "attack.warmupEpochs is \(RecipeValue.number(attack.warmupEpochs)), not less than epochs, \(epochs): the radius would never be reached",
            "a few epochs, or none, are common")
        try require(
            watch.action == .automatic || watch.action == .off || data.validation > 0 && mode != .natural,
            ["watch.action", data.validation > 0 ? "mode" : "data.validation"],
            "watch.action is \(watch.action.rawValue), but \(data.validation > 0 ? "mode is natural: there is no robustness to watch" : "data.validation is 0: there are no images to watch")",
            "set watch.action=automatic, or data.validation=0.1 and mode=at or sip-at")
        try require(
            awp.gamma == 0 || awp.warmupEpochs < epochs, ["awp.warmupEpochs", "epochs"],
            "awp.warmupEpochs is \(awp.warmupEpochs), not less than epochs, \(epochs): the weights would never be perturbed", "0 to 10 are common")
        try require(
            awp.gamma == 0 || communication.reduction != .bfloat16, ["awp.gamma", "communication.reduction"],
            "awp.gamma is \(RecipeValue.number(awp.gamma)), but communication.reduction is bf16, whose rounding errors would be carried from one kind of gradient to the other",
            "set communication.reduction=reproducible")
    }
}
