import ArgumentParser
import Datasets
import Diagnostics
import Evaluation
import Experiments
import Foundation
import Images
import MPI
import Review
import Salience

struct StudyPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Make the pictures of a study: each model's attack at each radius, on the same images.",
        discussion: """
            Each person sees every image once, clean and perturbed beside each other, and says which one was changed. Who sees which method
            and radius goes round (a Latin square): in a study of two methods and three radii every image is seen in each after six people.
            A share of the pairs are catch trials, in which the change is plain.

            Perturbations are not amplified. Screens show 256 steps, so every value is set to the nearest one within the radius; results say
            what that did. The folder holds the pictures as PNG: serving needs neither weights nor data.

            Under mpirun, ranks share the work; the pictures do not depend on how many there are. Where it was killed, the same command goes on:
            pictures that are there are not made again.
            """)

    @Option(help: "Names and weights, NAME=PATH, separated by commas: runs' folders, checkpoints', or safetensors files.")
    var weights: [String]
    @Option(help: "Which pixels an attack may change, NAME=all or NAME=background; background if the run was trained by SIP-AT, else all.")
    var region: [String] = []
    @Option(help: "\(DatasetLoader.names.joined(separator: ", ")), or the path of a packed set, a folder, a manifest or shards; the first run's own if not given.")
    var data: String?
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @Option(help: "train or test.")
    var split = "test"
    @Option(help: "Salience maps of this split (a store, or an .npy file); those that the run trained with if not given.")
    var salience: String?
    @Option(help: "A pixel is background if 1 − salience is at least this; the run's attack.threshold if not given.")
    var threshold: Float?
    @Option(help: "The salient pixels are this share of each image, the most salient ones; the run's salience.coverage if not given.")
    var coverage: Double?
    @OptionGroup var model: ModelOptions

    @Option(help: "Radii, comma-separated; fractions such as 8/255 are understood.")
    var epsilons = "2/255,4/255,8/255"
    @Option(help: "Gradient steps of the attacks (PGD, L∞, steps of 2.5·ε/steps, random start).")
    var steps = StudySettings().steps
    @Option(help: "Pairs shown to each person.")
    var trials = StudySettings().trials
    @Option(name: .customLong("catch"), help: "Share of them that are catch trials.")
    var catchShare = StudySettings().catchShare
    @Option(help: "How far every value of a catch trial's picture is moved, at random up or down.")
    var catchEpsilon = "64/255"
    @Option(help: "Who gets a smaller share of the catch trials right is named, and left out of the pooled figures.")
    var catchPass = StudySettings().catchPass
    @Option(help: "Pixels of the screen for one of the image, along each side; whole numbers. As many as 384 pixels allow if not given.")
    var scale: Int?
    @Option(help: "A text that is shown at the beginning, in place of the page's own.")
    var instructions: String?
    @Option(help: "Which images, and in which order, on which side; and the attacks' random starts.")
    var seed: UInt64 = 0
    @Option(help: "Images at a time, at most; no picture depends on it.")
    var batch = 128
    @Option(help: "The folder to make.")
    var output: String

    mutating func validate() throws {
        output = try expandingTilde(output)
        for option in [\Self.data, \.dataDir, \.salience, \.instructions] { try expandTilde(&self[keyPath: option]) }
    }

    func run() throws {
        try Session.withSession { session in try plan(session.world) }
    }

    private func plan(_ world: Communicator) throws {
        let folder = StudyFolder(output)
        let (experiment, settings, radii, text) = try world.agreeing {
            let text = try instructions.map { try ReadableFile.contents(of: $0, limit: 1 << 20) }
            guard text.map({ String(validating: $0, as: UTF8.self) != nil }) ?? true else {
                throw Failure.badData("\(instructions ?? ""): is not UTF-8 text", remedy: "save it as plain text")
            }
            let (experiment, settings, radii) = try open()
            return (experiment, settings, radii, text)
        }
        let sources = try world.agreeing {
            guard world.rank == 0 else { return [String]() }
            for note in experiment.methods.flatMap({ method in method.experiment.notes.map { "\(method.name): \($0)" } }) { Output.complain(note) }
            return try experiment.dataset.names()
        }
        let shape = experiment.dataset.imageShape
        func original(_ place: Int) throws -> StudyWriter.Original {
            let index = experiment.indices[place]
            let pixels = try [UInt8](unsafeUninitializedCapacity: shape.count) { buffer, initialized in
                _ = try experiment.dataset.read(index, .none, into: buffer.baseAddress!)
                initialized = shape.count
            }
            return .init(index: index, name: sources[index], label: experiment.dataset.classNames[Int(experiment.dataset.labels[index])], pixels: pixels)
        }
        var writer = try world.agreeing { try world.rank == 0 ? StudyWriter(folder, plan: draft(experiment, settings, radii)) : nil }
        let found = try world.broadcast((writer?.done ?? []).sorted().map(String.init).joined(separator: " "))
        let done = Set(found.split(separator: " ").compactMap { Int($0) })
        if world.rank == 0, !done.isEmpty { Output.complain("\(output): goes on, the pictures of \(done.count) of \(settings.tests) images are there") }
        var (progress, last, count) = (ProgressLine(), monotonicSeconds(), done.count)
        let crafter = experiment.crafter(first: settings.tests, epsilons: radii, steps: settings.steps, seed: seed, batch: batch)
        try crafter.run(world, except: done) { crafted in
            let source = try original(crafted.position)
            let roundings = zip(crafted.measures, crafted.pictures).map { StudyPlan.Rounding($0, picture: $1, clean: source.pixels) }
            try writer?.add(crafted.position, source, perturbed: crafted.pictures, roundings: roundings)
            count += 1
            guard monotonicSeconds() - last > 2 else { return }
            last = monotonicSeconds()
            progress.note("\(count)/\(settings.tests) images")
        }
        try world.agreeing {
            guard world.rank == 0, var writer else { return }
            for place in settings.tests..<settings.trials { try writer.addCatch(place, original(place)) }
            try Output.result(describe(writer.finish(instructions: text)))
        }
    }

    /// The plan, before any picture is made.
    private func draft(_ experiment: StudyExperiment, _ settings: StudySettings, _ radii: [Float]) throws -> StudyPlan {
        let conditions = experiment.methods.flatMap { method in radii.map { StudyPlan.Condition(method: method.name, epsilon: $0, rounding: .init()) } }
        var notes: [String] = []
        if settings.tests % conditions.count != 0 {
            notes.append("\(settings.tests) pairs are no multiple of \(conditions.count) methods and radii: some come once more than others")
        }
        if settings.catches < 5 { notes.append("\(settings.catches) catch trials say little of whether somebody looks") }
        let shape = experiment.dataset.imageShape
        return StudyPlan(
            when: logTime(), createdBy: "sipat \(Sipat.configuration.version)", arguments: Array(CommandLine.arguments.dropFirst()),
            dataset: experiment.dataset.identity(split: experiment.methods[0].experiment.split), salienceFingerprint: experiment.dataset.salienceFingerprint,
            methods: try experiment.methods.map { method in
                let origin = try experiment.origin(of: method)
                return StudyPlan.Method(
                    name: method.name, weights: origin.weights, sha256: origin.sha256, network: origin.network, region: method.region.rawValue,
                    threshold: method.experiment.settings.salienceThreshold, coverage: method.experiment.settings.salienceCoverage)
            }, conditions: conditions, settings: settings, width: shape.width, height: shape.height, channels: shape.channels, notes: notes)
    }

    private func open() throws -> (StudyExperiment, StudySettings, [Float]) {
        var settings = StudySettings()
        (settings.seed, settings.trials, settings.catchShare, settings.catchPass, settings.steps) = (seed, trials, catchShare, catchPass, steps)
        settings.catchEpsilon = try radius(catchEpsilon, flag: "--catch-epsilon", norm: .linf)
        settings.scale = scale ?? 1
        try settings.check()
        guard batch >= 1 else { throw Failure.usage("--batch is \(batch), expected 1 or more") }
        if let threshold, !(threshold > 0 && threshold <= 1) { throw Failure.usage("--threshold is \(threshold), expected a number above 0 and at most 1") }
        if let coverage, !(0...1).contains(coverage) { throw Failure.usage("--coverage is \(coverage), expected 0 to 1") }
        let radii = try epsilons.split(separator: ",", omittingEmptySubsequences: false).map { text -> Float in
            let value = try radius(String(text), flag: "--epsilons", norm: .linf)
            guard EightBits.steps(value) >= 1 else {
                throw Failure.usage("--epsilons: \(text) is less than one of the 256 steps that a screen shows", remedy: "1/255 is the smallest that can be seen")
            }
            return value
        }
        guard Set(radii).count == radii.count else { throw Failure.usage("--epsilons \(epsilons): a radius is given twice") }
        let paths = try pairs(weights, "--weights")
        guard !paths.isEmpty else { throw Failure.usage("--weights names nothing", remedy: "--weights at=runs/at,sip-at=runs/sip") }
        var regions: [String: EvaluationProtocol.Region] = [:]
        for (name, value) in try pairs(region, "--region") {
            guard paths.contains(where: { $0.name == name }) else { throw Failure.usage("--region names \(name), which --weights does not") }
            guard let region: EvaluationProtocol.Region = try choice(value, flag: "--region \(name)"), region == .all || region == .background else {
                throw Failure.usage("--region \(name)=\(value), expected all or background")
            }
            regions[name] = region
        }
        guard let split: DatasetSplit = try choice(split, flag: "--split") else { throw Failure.usage("--split is \"\(split)\"") }
        let (name, directory) = try evaluatedData(data, dataDir)
        var request = EvaluationRequest(
            weights: "", model: try model.request(), data: name, directory: directory, split: split, limit: 1, salience: salience, salienceThreshold: threshold,
            settings: EvaluationProtocol(epsilons: radii, steps: steps, seed: seed), batch: batch)
        request.salienceCoverage = coverage
        let experiment = try StudyExperiment(
            paths.map { ($0.name, try expandingTilde($0.value)) }, regions: regions, request: request, images: settings.trials, seed: seed)
        let shape = experiment.dataset.imageShape
        guard Channels(rawValue: shape.channels) != nil else { throw Failure.usage("images of \(shape.channels) channels cannot be shown", remedy: "use grey or colour images") }
        settings.scale = scale ?? StudySettings.standardScale(width: shape.width, height: shape.height)
        return (experiment, settings, radii)
    }

    /// NAME=VALUE, separated by commas. A piece without = belongs to the value before it: paths may have commas.
    private func pairs(_ texts: [String], _ flag: String) throws -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        for text in texts {
            let start = found.count
            for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let sign = piece.firstIndex(of: "=") else {
                    guard found.count > start else { throw Failure.usage("\(flag): \"\(piece)\" has no name", remedy: "\(flag) at=…,sip-at=…") }
                    found[found.count - 1].value += "," + piece
                    continue
                }
                let (name, value) = (String(piece[..<sign]), String(piece[piece.index(after: sign)...]))
                guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,29}/) != nil, name != "clean", name != "catch", !value.isEmpty else {
                    throw Failure.usage("\(flag): \"\(piece)\" is not NAME=VALUE", remedy: "names are 1 to 30 letters, digits, - _ . other than clean and catch")
                }
                guard !found.contains(where: { $0.name == name }) else { throw Failure.usage("\(flag) names \(name) twice") }
                found.append((name, value))
            }
        }
        return found
    }

    private func describe(_ plan: StudyPlan) -> String {
        let settings = plan.settings
        var lines = [
            "\(output): \(settings.trials) pairs for each person, \(settings.tests) under \(plan.conditions.count) conditions (\(settings.tests / plan.conditions.count) each), \(settings.catches) catch trials; "
                + "pictures of \(plan.width)×\(plan.height), \(settings.scale) pixel\(settings.scale == 1 ? "" : "s") of the screen for each"
        ]
        for condition in plan.conditions {
            let rounding = condition.rounding
            lines.append(
                "\(condition.method) at \(radiusText(condition.epsilon)): largest change \(decimal(Double(rounding.exactLargest) * 255, 2))/255, as shown \(rounding.shownLargest)/255; "
                    + "values changed \(percent(rounding.exactChanged)), as shown \(percent(rounding.shownChanged)); model wrong on \(rounding.cleanWrong) clean, \(rounding.exactWrong), as shown \(rounding.shownWrong) of \(rounding.pictures)")
        }
        lines += plan.notes.map { "note: \($0)" }
        lines.append("At 3 to 6 s each, a person takes \(duration(3 * Double(settings.trials))) to \(duration(6 * Double(settings.trials))).")
        lines.append("Next: sipat study serve \(output)")
        return lines.joined(separator: "\n")
    }
}

extension StudyPlan.Rounding {
    /// Of one picture.
    fileprivate init(_ measure: StudyCrafter.Measure, picture: [UInt8], clean: [UInt8]) {
        self.init()
        let moves = zip(picture, clean).map { abs(Int($0) - Int($1)) }
        pictures = 1
        (exactLargest, shownLargest) = (measure.exactLargest, moves.max() ?? 0)
        (exactChanged, shownChanged) = (Double(measure.exactChanged), Double(moves.count { $0 > 0 }) / Double(max(1, moves.count)))
        (cleanWrong, exactWrong, shownWrong) = (measure.cleanWrong ? 1 : 0, measure.exactWrong ? 1 : 0, measure.shownWrong ? 1 : 0)
    }
}
