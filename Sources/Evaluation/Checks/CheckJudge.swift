import Diagnostics

/// Makes checks of what was found out about images.
struct CheckJudge {
    private typealias Trial = ImageChecks.Trial

    let settings: CheckSettings
    let images: [ImageChecks]
    let evaluation: CheckedEvaluation?
    let classes: Int
    let values: Int
    /// Whether weights or buffers, or what the model says of the first image, are other than before the checks; on how many ranks.
    let changedModels: Int

    private var right: [ImageChecks] { images.filter(\.isRight) }

    func checks() -> [SelfCheck] {
        var checks = [unchanged, repeatable, independent, logitsNotProbabilities, inputRange, zeroGradients, finiteGradients]
        checks += [differences, admissible, zeroRadius, fallsWithRadius, chance, unconstrained, order, convergence(Trial.moreIterations)]
        checks += [convergence(Trial.moreRestarts), noise, square, transfer, planted]
        if evaluation != nil { checks += [confirmed, regions] }
        return checks
    }

    // MARK: The model

    private var unchanged: SelfCheck {
        SelfCheck(
            "unchanged-model", "Evaluation leaves weights and statistics alone", figure: Double(changedModels), bound: "0",
            status: changedModels == 0 ? .passed : .failed, note: changedModels == 0 ? "the same bits before and after" : "changed on \(changedModels) ranks")
    }

    private var repeatable: SelfCheck {
        let worst = images.map(\.repeated).max() ?? 0
        return SelfCheck(
            "repeatable", "The same image gives the same logits, five times", figure: worst, bound: "0", status: worst == 0 ? .passed : .failed,
            note: worst == 0 ? "the same bits, \(images.count) images" : "they differ by up to \(short(worst)): the model draws random numbers or keeps a state; attack it as such (autoattack-rand)")
    }

    private var independent: SelfCheck {
        let worst = images.map(\.inCompany).max() ?? 0
        return SelfCheck(
            "batch-independence", "An image's logits do not depend on the images beside it", figure: worst, bound: "0",
            status: worst == 0 ? .passed : .failed, note: worst == 0 ? "the same bits" : "they differ by up to \(short(worst)): is it in evaluation mode?")
    }

    private var logitsNotProbabilities: SelfCheck {
        let all = !images.isEmpty && images.allSatisfy(\.looksLikeProbabilities)
        return SelfCheck(
            "logits", "The model gives logits, not probabilities", figure: all ? 1 : 0, bound: "0", status: all ? .doubtful : .passed,
            note: all ? "every output looks like a softmax: its gradients vanish where it is sure" : "outputs are no probabilities")
    }

    private var inputRange: SelfCheck {
        let (low, high) = (images.map(\.lowest).min() ?? 0, images.map(\.highest).max() ?? 1)
        return SelfCheck(
            "input-range", "Images lie in [0, 1]; normalisation is part of the model", figure: Double(max(-low, high - 1)), bound: "0 ≤ value ≤ 1",
            status: low >= 0 && high <= 1 ? .passed : .failed, note: "\(short(Double(low))) to \(short(Double(high)))")
    }

    private var zeroGradients: SelfCheck {
        // Two places are looked at in each image.
        let (crossEntropy, difference) = (share(\.zeroCrossEntropy), share(\.zeroDifference))
        let status: SelfCheck.Status = difference > 0.02 ? .failed : difference > 0 || crossEntropy > 0 ? .doubtful : .passed
        return SelfCheck(
            "zero-gradients", "Losses have gradients, at the image and at a random start", figure: max(crossEntropy, difference), bound: "0 %; invalid above 2 % of logit differences",
            status: status,
            note: "none in \(percent(crossEntropy).trimmed) of cross-entropies and \(percent(difference).trimmed) of logit differences"
                + (status == .passed ? "" : ": gradients are masked, robustness against them says nothing"))
    }

    private func share(_ count: (ImageChecks) -> Int) -> Double {
        images.isEmpty ? 0 : Double(images.reduce(0) { $0 + count($1) }) / Double(2 * images.count)
    }

    private var finiteGradients: SelfCheck {
        let count = images.reduce(0) { $0 + $1.notFinite }
        return SelfCheck(
            "finite-gradients", "Gradients are finite numbers", figure: Double(count), bound: "0", status: count == 0 ? .passed : .failed,
            note: count == 0 ? "\(4 * images.count) gradients" : "\(count) of \(4 * images.count) are not: no attack was tried")
    }

    private var differences: SelfCheck {
        let errors = images.compactMap(\.gradientError).sorted()
        let title = "Gradients are those of the function (finite differences)"
        guard !errors.isEmpty else { return .skipped("finite-differences", title, bound: "", because: "no image was compared") }
        let off = errors.count { !($0 <= 0.1) }
        let share = Double(off) / Double(errors.count)
        return SelfCheck(
            "finite-differences", title, figure: share, bound: "≤ 10 % of images off by over 10 %; invalid above 50 %",
            status: share <= 0.1 ? .passed : share <= 0.5 ? .doubtful : .failed,
            note: "\(off) of \(errors.count) off by over 10 %, median \(percent(errors[errors.count / 2]).trimmed)")
    }

    // MARK: The attacks

    private var admissible: SelfCheck {
        let largest = max(images.map(\.largest).max() ?? 0, evaluation?.largest ?? 0)
        let count = images.reduce(0) { $0 + $1.perturbed } + (evaluation?.perturbed ?? 0)
        let moved = images.count(where: \.inadmissible)
        let isGood = moved == 0 && largest <= 1
        return SelfCheck(
            "admissible", "Every perturbed image lies in ball, box and mask", figure: largest, bound: "≤ 1",
            status: isGood ? .passed : .failed,
            note: "the largest of \(count) is \(decimal(largest, 7)) of what radius and rounding allow" + (moved == 0 ? "; masked pixels kept their bits" : "; masked pixels moved in \(moved) images"))
    }

    private var zeroRadius: SelfCheck {
        let tried = right.count { $0.tried.contains("radius-0") }
        let title = "Radius 0 is the clean image, bit for bit"
        guard tried > 0 else { return nothing("zero-radius", title, bound: "0 images") }
        let changed = right.count(where: \.changedAtZero)
        return SelfCheck(
            "zero-radius", title, figure: Double(changed), bound: "0 images", status: changed == 0 ? .passed : .failed, note: "\(changed) of \(tried) images differ")
    }

    private var sweepAccuracies: [(radius: Float, accuracy: Double)]? {
        guard right.contains(where: { $0.tried.contains(Trial.sweep(0)) }) else { return nil }
        return settings.sweep(values: values).enumerated().map { place, radius in
            (radius, Double(right.count { !$0.fallen.contains(Trial.sweep(place)) }) / Double(images.count))
        }
    }

    private var fallsWithRadius: SelfCheck {
        let title = "Accuracy falls as the radius grows"
        guard let accuracies = sweepAccuracies else { return nothing("falls-with-radius", title, bound: bound) }
        let rise = zip(accuracies, accuracies.dropFirst()).map { $1.accuracy - $0.accuracy }.max() ?? 0
        let list = accuracies.map { "\(text($0.radius)): \(Int((100 * $0.accuracy).rounded()))" }.joined(separator: ", ")
        return SelfCheck(
            "falls-with-radius", title, figure: rise, bound: "rises by \(bound)", status: status(max(0, rise)), note: "% at \(list)")
    }

    private var chance: SelfCheck {
        let title = "At a radius that can make any image grey, the model does no better than a guess"
        guard let accuracies = sweepAccuracies, accuracies.count > 1 else { return nothing("chance", title, bound: "") }
        let (radius, accuracy) = accuracies[accuracies.count - 2]
        let chance = 1 / Double(classes)
        return SelfCheck(
            "chance", title, figure: accuracy, bound: "≤ \(percent(chance).trimmed)", status: accuracy <= chance ? .passed : .failed,
            note: "\(percent(accuracy).trimmed) at \(text(radius))")
    }

    private var unconstrained: SelfCheck {
        let title = "An attack without limits breaks every image"
        guard let accuracies = sweepAccuracies, let last = accuracies.last else { return nothing("unconstrained", title, bound: "0 %") }
        return SelfCheck(
            "unconstrained", title, figure: last.accuracy, bound: "0 %; invalid above 5 %", status: last.accuracy == 0 ? .passed : last.accuracy <= 0.05 ? .doubtful : .failed,
            note: "\(percent(last.accuracy).trimmed) at \(text(last.radius))")
    }

    private var order: SelfCheck {
        let title = "Stronger attacks break what weaker ones break: FGSM, PGD-10, PGD-100, \(settings.attack)"
        let chain = [Trial.fgsm, Trial.few, Trial.many, Trial.reference]
        guard right.contains(where: { $0.tried.contains(Trial.reference) }) else { return nothing("order", title, bound: bound) }
        let missed = zip(chain, chain.dropFirst()).map { weak, strong in right.count { $0.fallen.contains(weak) && !$0.fallen.contains(strong) } }
        let worst = Double(missed.max() ?? 0) / Double(images.count)
        let left = chain.map { name in "\(right.count { !$0.fallen.contains(name) })" }.joined(separator: " ≥ ")
        // Against the evaluation itself nothing is forgiven: what a weaker attack breaks, it has missed.
        let status: SelfCheck.Status = missed.last! > 0 ? max(status(worst), .doubtful) : status(worst)
        return SelfCheck(
            "order", title, figure: worst, bound: "missed by the stronger: \(bound), by the last 0", status: status,
            note: "\(left) of \(images.count) stand; missed \(missed.map(String.init).joined(separator: ", "))")
    }

    private func convergence(_ name: String) -> SelfCheck {
        let isLonger = name == Trial.moreIterations
        let title = isLonger ? "More steps (APGD-CE, \(settings.moreIterations)) change nothing" : "More restarts (\(settings.moreRestarts)) change nothing"
        let tried = right.count { $0.tried.contains(name) }
        guard tried > 0 else { return nothing(name, title, bound: "< 0.5 points") }
        let broken = right.count { $0.fallen.contains(name) }
        let points = 100 * Double(broken) / Double(images.count)
        return SelfCheck(
            name, title, figure: points, bound: "< 0.5 points; invalid from 5", status: points < 0.5 ? .passed : points < 5 ? .doubtful : .failed,
            note: "\(broken) of \(tried) standing images break (\(decimal(points, 2)) points)")
    }

    private var noise: SelfCheck {
        let title = "Random noise never beats the attacks"
        let tried = right.count { $0.tried.contains(Trial.noise) }
        guard tried > 0 else { return nothing("noise", title, bound: "0 images") }
        let broken = right.count { $0.fallen.contains(Trial.noise) }
        return SelfCheck(
            "noise", title, figure: Double(broken), bound: "0 images", status: broken == 0 ? .passed : .failed,
            note: "\(broken) of \(tried) standing images break, \(settings.noiseTries) tries each")
    }

    private var square: SelfCheck {
        let title = "A search without gradients (Square) never beats gradients"
        let tried = right.count { $0.tried.contains(Trial.square) }
        guard tried > 0 else { return nothing("square", title, bound: "≤ 0.2 points") }
        let broken = right.count { $0.fallen.contains(Trial.square) && !$0.fallen.contains(Trial.referenceGradients) }
        let points = 100 * Double(broken) / Double(images.count)
        return SelfCheck(
            "square", title, figure: points, bound: "≤ 0.2 points", status: points <= 0.2 ? .passed : .failed,
            note: "\(broken) of \(tried) images that gradients left standing break (\(decimal(points, 2)) points), \(settings.squareQueries) queries each")
    }

    private var transfer: SelfCheck {
        let title = "Images made on another model never beat the attacks"
        guard let evaluation, let fallen = evaluation.fallenToTransfer else {
            return .skipped("transfer", title, bound: "≤ 0.2 points", because: "no other model was given (--transfer-from)")
        }
        let broken = fallen.intersection(evaluation.standing).count
        return SelfCheck(
            "transfer", title, figure: Double(broken), bound: "0 images", status: broken == 0 ? .passed : .failed,
            note: "\(broken) standing images break; \(fallen.count) fall to it in all")
    }

    private var planted: SelfCheck {
        let title = "A weakness that was planted is found (PGD-\(settings.plantedSteps))"
        let (could, found) = (right.count(where: \.couldPlant), right.count(where: \.foundPlanted))
        guard could > 0 else { return .skipped("planted-weakness", title, bound: "≥ 95 %", because: "none could be planted: noise does not move the logits") }
        let share = Double(found) / Double(could)
        return SelfCheck(
            "planted-weakness", title, figure: share, bound: "≥ 95 %; invalid below 80 %", status: share >= 0.95 ? .passed : share >= 0.8 ? .doubtful : .failed,
            note: "\(found) of \(could) found")
    }

    // MARK: The ledger

    private var confirmed: SelfCheck {
        let count = (evaluation?.unconfirmed ?? 0) + images.reduce(0) { $0 + $1.unconfirmed }
        return SelfCheck(
            "confirmed", "What attacks say of an image is found again by a forward pass", figure: Double(count), bound: "0 images",
            status: count == 0 ? .passed : .failed, note: "\(count) of \((evaluation?.perturbed ?? 0) + images.reduce(0) { $0 + $1.perturbed }) differ")
    }

    private var regions: SelfCheck {
        let count = evaluation?.weaknesses ?? 0
        return SelfCheck(
            "whole-image", "Attacks on a part of the image, or with images made elsewhere, break nothing that attacks on the whole leave standing",
            figure: Double(count), bound: "0 images", status: count == 0 ? .passed : .doubtful,
            note: count == 0 ? "none" : "\(count) images, which count as fallen: the attacks on the whole image are too weak")
    }

    // MARK: Parts

    /// What is forgiven where two random attacks are compared: a hundredth of the images, and one of them.
    private var forgiven: Double { max(0.01, 1 / Double(max(images.count, 1))) }
    private var bound: String { "≤ \(Int((forgiven * Double(images.count)).rounded())) images; invalid above 5 %" }
    private func status(_ share: Double) -> SelfCheck.Status { share <= forgiven + 1e-9 ? .passed : share <= max(0.05, forgiven + 1e-9) ? .doubtful : .failed }

    private func nothing(_ name: String, _ title: String, bound: String) -> SelfCheck {
        .skipped(name, title, bound: bound, because: right.isEmpty ? "no image is classified rightly" : "no image was left to try")
    }

    /// A radius, small ones in 255ths.
    private func text(_ radius: Float) -> String {
        guard settings.norm == .linf, radius < 0.5 else { return short(Double(radius)) }
        let levels = Double(radius) * 255
        return abs(levels - levels.rounded()) < 1e-3 ? "\(Int(levels.rounded()))/255" : "\(decimal(levels, 1))/255"
    }

    private func short(_ value: Double) -> String { value == 0 || abs(value) >= 0.001 && abs(value) < 1000 ? "\((value * 1e4).rounded() / 1e4)" : "\(Float(value))" }
}

private func max(_ a: SelfCheck.Status, _ b: SelfCheck.Status) -> SelfCheck.Status { a == .failed || b == .failed ? .failed : a == .doubtful || b == .doubtful ? .doubtful : a }

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
