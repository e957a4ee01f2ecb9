import ArgumentParser
import Attacks
import Checkpoints
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import MPI
import NeuralNet
import Salience
import Training

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model's accuracy, clean and under attack.",
        discussion: """
            mpirun -n 2 sipat evaluate --weights runs/first --data cifar10 --data-dir cifar-10-batches-bin --epsilons 0,2/255,8/255
            """)

    @Option(help: "A run's folder (its best checkpoint), a checkpoint's folder, or a safetensors file, ours or PyTorch's state_dict.")
    var weights: String

    @Option(help: "The network; a run's own if --weights is one.")
    var model: String?
    @Option(help: "Its width.")
    var width: Int?
    @Option(help: "Its stem: cifar or imagenet.")
    var stem: String?
    @Option(help: "Layers of a wide-resnet.")
    var depth: Int?
    @Option(help: "Widening factor of a wide-resnet.")
    var widen: Int?

    @Option(help: "cifar10, cifar100, mnist or synthetic; a run's own if --weights is one.")
    var data: String?
    @Option(help: "The folder with the data set's files.")
    var dataDir: String?
    @Option(help: "train or test.")
    var split = "test"
    @Option(help: "Evaluate this many images only, balanced over classes; 0 for all.")
    var limit = 0

    @Option(help: "linf or l2.")
    var norm = "linf"
    @Option(help: "Radii, comma-separated; fractions such as 8/255 are understood, 0 is the clean images.")
    var epsilons = "0,2/255,4/255,8/255"
    @Option(help: "pgd, fgsm (one step, no random start) or fgsm-rs (one step from a random start).")
    var attack = "pgd"
    @Option(help: "Gradient steps of pgd.")
    var steps = 20
    @Option(help: "Length of a step; 2.5·ε/steps if not given.")
    var stepSize: String?
    @Option(help: "Random starts; an image is robust if it withstands all.")
    var restarts = 1
    @Option(help: "Seed of the random starts.")
    var seed = 0
    @Option(help: "Images at a time.")
    var batch = 128

    @Option(help: "Salience maps of this split (.npy); the synthetic data has its own.")
    var salience: String?
    @Option(help: "Attack all pixels, or only the salient ones, or only the background.")
    var region = "all"

    @Option(help: "Write settings and results as JSON.")
    var json: String?
    @Option(help: "Write one JSON line per image and radius.")
    var perSample: String?

    func run() throws {
        try Session.withSession { session in try evaluate(session.world) }
    }

    private func evaluate(_ world: Communicator) throws {
        let prepared = try world.agreeing { try EvaluationSetup(self) }
        let evaluator = Evaluator(model: prepared.model, dataset: prepared.dataset, batch: batch)
        var progress = ProgressLine()
        let start = monotonicSeconds()
        var lastShown = start
        let result = try evaluator.run(prepared.settings, indices: prepared.indices, communicator: world) { done, total in
            guard world.rank == 0, done < total, monotonicSeconds() - lastShown > 5 else { return }
            lastShown = monotonicSeconds()
            let left = (lastShown - start) / Double(done) * Double(total - done)
            progress.note("batch \(done)/\(total), \(duration(left)) left")
        }
        try world.agreeing {
            guard let result else { return }
            let output = EvaluationOutput(command: self, setup: prepared, report: result.report, seconds: monotonicSeconds() - start)
            print(output.table)
            if let json { try output.write(to: json) }
            if let perSample { try output.write(result.records, to: perSample) }
        }
    }
}
