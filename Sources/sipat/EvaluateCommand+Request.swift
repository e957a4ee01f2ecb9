import Attacks
import Datasets
import Diagnostics
import Evaluation
import Experiments
import Foundation
import Kernels
import Recipes

/// What the flags ask for.
extension EvaluateCommand {
    /// - Throws: `Failure.usage` naming the flag that is wrong.
    func request() throws -> EvaluationRequest {
        guard let weights else {
            throw Failure.usage("--weights is missing", remedy: "name a run's folder or a safetensors file: --weights runs/first")
        }
        guard let split = DatasetSplit(rawValue: split) else {
            throw Failure.usage("--split is \"\(split)\", expected train or test")
        }
        guard limit >= 0 else { throw Failure.usage("--limit is \(limit), expected 0 or more") }
        guard batch >= 1 else { throw Failure.usage("--batch is \(batch), expected 1 or more") }
        if let threshold, !(threshold > 0 && threshold <= 1) {
            throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1")
        }
        if let coverage, !(0...1).contains(coverage) { throw Failure.usage("--coverage is \(coverage), expected 0 to 1") }
        let (name, directory) = try evaluatedData(data, dataDir)
        var request = EvaluationRequest(
            weights: weights, model: try model.request(), data: name, directory: directory, split: split, limit: limit, images: images, salience: salience,
            salienceThreshold: threshold, settings: try settings(), batch: batch)
        request.files = try files.request(for: name)
        request.salienceCoverage = coverage
        request.backend = try choice(backend, flag: "--backend") ?? .standard
        request.attackPrecision = try choice(attackPrecision, flag: "--attack-precision") ?? .float32
        request.skipsBadFiles = skipBad
        request.needsSalience = ([region] + (regions ?? "").split(separator: ",").map(String.init)).contains { $0 != EvaluationProtocol.Region.all.rawValue }
        return request
    }

    /// What is asked of an evaluation with a ledger; nil where one ascent over one region is asked for, and no folder.
    func ledgerRequest() throws -> LedgerRequest? {
        let names = attackNames
        try EvaluationAttacks.check(names)
        let needsLedger =
            output != nil || resume || regions != nil || keepImages || !against.isEmpty || transferFrom != nil || names.count > 1 || checks == true || measures
            || EvaluationAttacks.Ascent(rawValue: names[0]) == nil
        guard needsLedger else { return nil }
        guard attackPrecision == nil || attackPrecision == ProductPrecision.float32.rawValue else {
            throw Failure.usage(
                "--attack-precision \(attackPrecision ?? "") is for one ascent over one region, without --output",
                remedy: "leave it out: evaluations that are kept attack in float32")
        }
        guard output != nil || !(resume || keepImages) else {
            throw Failure.usage("\(resume ? "--resume" : "--keep-images") needs --output", remedy: "name the evaluation's folder: --output eval/first")
        }
        guard output != nil || !(checks == true || measures) else {
            throw Failure.usage("\(measures ? "--measures" : "--checks") needs --output", remedy: "name the evaluation's folder: --output eval/first")
        }
        var chosen: [EvaluationProtocol.Region] = [try choice(region, flag: "--region")!]
        for name in (regions ?? "all").split(separator: ",", omittingEmptySubsequences: false) { chosen.append(try choice(String(name), flag: "--regions")!) }
        let settings = try settings()
        // Clean accuracy alone, unless an attack was named.
        let attacks = attack == nil && settings.epsilons.allSatisfy { $0 == 0 } ? [] : names
        return LedgerRequest(
            attacks: attacks, pgd: .init(steps: steps, stepSize: settings.stepSize, restarts: restarts), regions: chosen, output: output,
            resumes: resume, keepsImages: keepImages, against: against, transferFrom: transferFrom, arguments: Self.ownArguments(),
            program: Sipat.configuration.version)
    }

    private var attackNames: [String] {
        (attack ?? "pgd").split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func settings() throws -> EvaluationProtocol {
        let norm: Norm = try choice(norm, flag: "--norm")!
        let region: EvaluationProtocol.Region = try choice(region, flag: "--region")!
        let radii = try epsilons.split(separator: ",", omittingEmptySubsequences: false).map {
            try radius(String($0), flag: "--epsilons", norm: norm)
        }
        guard Set(radii).count == radii.count else { throw Failure.usage("--epsilons \(epsilons): a radius is given twice") }
        guard steps >= 1, restarts >= 1, seed >= 0 else {
            throw Failure.usage("--steps and --restarts must be at least 1, and --seed at least 0")
        }
        let ascent = EvaluationAttacks.Ascent(rawValue: attackNames[0]) ?? .pgd
        return EvaluationProtocol(
            norm: norm, epsilons: radii, steps: ascent == .pgd ? steps : 1,
            stepSize: try stepSize.map { try radius($0, flag: "--step-size", norm: norm) },
            relativeStepSize: ascent.relativeStepSize, randomStart: ascent != .fgsm, restarts: restarts, region: region,
            seed: UInt64(seed))
    }

}

/// One of the names that a flag may have.
///
/// - Throws: `Failure.usage` with the names, and the nearest.
func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String?, flag: String) throws -> Choice? {
    guard let text else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    throw Failure.usage(
        "\(flag) is \"\(text)\", expected one of \(names.joined(separator: ", "))",
        remedy: nearestName(to: text, among: names).map { "did you mean \($0)?" })
}

/// The data set and where it lies: `--data` is a name, or the path of people's own images.
func evaluatedData(_ data: String?, _ dataDir: String?) throws -> (name: DatasetLoader.Name?, directory: String?) {
    guard let data, DatasetLoader.Name(rawValue: data) == nil, FileManager.default.fileExists(atPath: data) else {
        return (try choice(data, flag: "--data"), dataDir)
    }
    guard dataDir == nil else { throw Failure.usage("--data \(data) is a path, and --data-dir is given too", remedy: "leave --data-dir out") }
    return (.images, data)
}

/// A radius, as a number or a fraction.
func radius(_ text: String, flag: String, norm: Norm) throws -> Float {
    guard let value = RecipeField.number(text.trimmingCharacters(in: .whitespaces)), value.isFinite, value >= 0 else {
        throw Failure.usage("\(flag): \"\(text)\" is no radius", remedy: "write numbers of at least 0, such as 0,2/255,8/255")
    }
    guard norm == .l2 || value <= 1 else {
        throw Failure.usage("\(flag): \(text) is above 1, but images are in [0, 1]", remedy: "did you mean \(text)/255?")
    }
    return Float(value)
}
