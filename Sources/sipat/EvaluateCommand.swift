import ArgumentParser
import Datasets
import Diagnostics
import Evaluation
import Experiments
import MPI

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model's accuracy, clean and under attack.",
        discussion: """
            mpirun -n 2 sipat evaluate --weights runs/first --data cifar10 --data-dir cifar-10-batches-bin --epsilons 0,2/255,8/255
            mpirun -n 2 sipat evaluate --weights runs/first --attack autoattack --epsilons 4/255,8/255 --images 0:1000 --output eval/first
            mpirun -n 3 sipat evaluate --output eval/first --resume

            With --output the folder gets evaluation.json (what was asked), ledger.jsonl (a line per attack, radius, region and \
            image) and result.json. Killed at any moment, or stopped by a signal (then it ends with 75), it goes on with --resume \
            on any number of ranks, to the same bytes of result. At the end come statistics.json (intervals, classes, confusion) and \
            report.html, which shows all of it. --checks adds checks.json, twenty questions with one verdict (trusted, doubtful, invalid), \
            on 64 images at one radius, in about two thirds of the time that AutoAttack takes for them. AutoAttack with --output is checked unless --no-checks says \
            otherwise. --measures adds measures.json: worst cases of top-1, 3 and 5, and clean accuracy under noise, blur, JPEG and \
            brightness.
            """,
        subcommands: [EvaluateExportCommand.self])

    @Option(help: "A run's folder (its best checkpoint), a checkpoint's folder, or a safetensors file, ours or PyTorch's state_dict.")
    var weights: String?

    @OptionGroup var model: ModelOptions

    @Option(help: "\(DatasetLoader.names.joined(separator: ", ")), or the path of a packed set, a folder, a manifest or shards; a run's own if --weights is one.")
    var data: String?
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @OptionGroup var files: ImageFileOptions
    @Option(help: "train or test.")
    var split = "test"
    @Option(help: "Evaluate this many images only, balanced over classes; 0 for all.")
    var limit = 0
    @Option(help: "Evaluate these images, in data-set order: A:B for A to B − 1, or a file of indices.")
    var images: String?

    @Option(help: "linf or l2.")
    var norm = "linf"
    @Option(help: "Radii, comma-separated; fractions such as 8/255 are understood, 0 is the clean images.")
    var epsilons = "0,2/255,4/255,8/255"
    @Option(
        help: """
            pgd (the default), fgsm (one step, no random start), fgsm-rs (one step from a random start), autoattack (the standard \
            one), autoattack-plus, autoattack-rand, or one of its attacks: apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square. Several are \
            separated by commas; each is given what withstood those before it.
            """)
    var attack: String?
    @Option(help: "Gradient steps of pgd.")
    var steps = 20
    @Option(help: "Length of a step of pgd and fgsm; 2.5·ε/steps if not given.")
    var stepSize: String?
    @Option(help: "Random starts of pgd and fgsm-rs; an image is robust if it withstands all.")
    var restarts = 1
    @Option(help: "Seed of all draws.")
    var seed = 0
    @Option(help: "Images at a time, at most; no result depends on it.")
    var batch = 128

    @Option(help: "What computes convolutions: native, blas or auto; this machine's default if not given.")
    var backend: String?
    @Option(help: "float32 or bfloat16: precision of the attack's products; the images it finds are judged in float32. Without --output only.")
    var attackPrecision: String?

    @Option(help: "Salience maps of this split (a store, or an .npy file). Where regions need maps and none are given, they are the synthetic data's own, or by the run's salience.maps (a store) or salience.estimator.")
    var salience: String?
    @Option(help: "Attack all pixels, or only the salient ones, or only the background, or a random region as large as the salient one. Images without such pixels are left out.")
    var region = "all"
    @Option(help: "Several regions, comma-separated, each with its accuracy; the headline is the attack on the whole image.")
    var regions: String?
    @Option(help: "A pixel is background if 1 − salience is at least this; the run's attack.threshold if not given.")
    var threshold: Float?
    @Option(help: "The salient pixels are this share of each image, the most salient ones; the run's salience.coverage if not given, 0: those that pass the threshold.")
    var coverage: Double?

    @Option(help: "The evaluation's folder.")
    var output: String?
    @Flag(help: "Go on with the evaluation in --output. All else is as it was; what is given is compared with it.")
    var resume = false
    @Flag(help: "Keep adversarial images in the folder (images/REGION-RADIUS.npy, float32), and verify them at the end.")
    var keepImages = false
    @Option(help: "A folder of earlier evaluations with kept images: they are tried on this model, attacks start from them, and images that became weaker or stronger are told.")
    var against: [String] = []
    @Option(help: "Another run or weights: images made on it are tried on this model (black-box transfer).")
    var transferFrom: String?

    @Flag(help: "Do without image files that cannot be used (they are listed, and recorded in left-out.json of --output); a run with data.skipBad does so anyway.")
    var skipBad = false

    @Flag(inversion: .prefixedNo, help: "Check the evaluation in --output, and give a verdict; the default with autoattack.")
    var checks: Bool?
    @Flag(help: "Measure top-1, 3 and 5 as worst cases, and clean accuracy under noise, blur, JPEG and brightness.")
    var measures = false

    @Option(help: "Write settings and results as JSON.")
    var json: String?
    @Option(help: "Write one JSON line per image and radius; with a ledger, per attack too.")
    var perSample: String?

    mutating func validate() throws {
        for option in [\Self.weights, \.data, \.dataDir, \.output, \.transferFrom, \.json, \.perSample] { try expandTilde(&self[keyPath: option]) }
        for option in [\Self.images, \.salience] { try expandTilde(&self[keyPath: option]) }
        against = try against.map { try expandingTilde($0) }
    }

    func run() throws {
        let isStopped = try Session.withSession { session in
            guard resume, weights == nil else { return try evaluate(session.world) }
            return try session.world.agreeing { try resumed() }.evaluate(session.world)
        }
        if isStopped { throw ExitCode(Failure.Kind.requeue.rawValue) }
    }

    /// - Returns: whether it was stopped before its end.
    private func evaluate(_ world: Communicator) throws -> Bool {
        let (given, asked) = try world.agreeing { (try self.request(), try ledgerRequest()) }
        var request = given
        request.leftOut = try LeftOutFiles.agree(request, known: asked?.resumes == true ? output : nil, communicator: world)
        let experiment = try world.agreeing {
            let experiment = try EvaluationExperiment(request)
            if world.rank == 0 {
                try requireWritable(
                    [("--json", json), ("--per-sample", perSample)],
                    inputs: ([experiment.weights.path, request.salience] + [request.directory]).compactMap { $0 }
                        + (experiment.weights.recipe == nil ? [] : [pathFolder(experiment.weights.path)]))
            }
            return experiment
        }
        if world.rank == 0 {
            for note in experiment.notes + [try experiment.normalizationWarning()].compactMap({ $0 }) { Output.complain(note) }
        }
        if let asked { return try evaluate(world, experiment, asked, leftOut: request.leftOut) }
        try table(world, experiment)
        return false
    }

    /// One ascent over one region, without a ledger.
    private func table(_ world: Communicator, _ experiment: EvaluationExperiment) throws {
        var progress = ProgressLine()
        let start = monotonicSeconds()
        var lastShown = start
        let result = try experiment.run(communicator: world) { done, total in
            guard world.rank == 0, done < total, monotonicSeconds() - lastShown > 5 else { return }
            lastShown = monotonicSeconds()
            let left = (lastShown - start) / Double(done) * Double(total - done)
            progress.note("group \(done)/\(total), \(duration(left)) left")
        }
        try world.agreeing {
            guard let result else { return }
            let settings = experiment.settings
            let attack = attack ?? "pgd"
            let heading =
                "\(experiment.modelName) on \(experiment.indices.count) images of \(experiment.dataset.name), \(attack) "
                + "\(settings.norm.rawValue), \(settings.steps) steps, region \(settings.region.rawValue), \(duration(monotonicSeconds() - start))"
            if let json {
                let file = EvaluationFile(
                    weights: experiment.weights.path, model: experiment.modelName, data: experiment.dataset.name, split: split,
                    attack: attack, settings: settings, indices: experiment.indices, attackPrecision: experiment.attackPrecision, report: result.report)
                try writeJSON(file, to: json)
            }
            if let perSample { try writeLines(result.records, to: perSample) }
            try Output.result(EvaluationTable.text(result.report, region: settings.region, heading: heading))
        }
    }
}
