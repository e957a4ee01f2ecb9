import ArgumentParser
import Diagnostics
import Evaluation
import Foundation
import Recipes

struct EvaluateExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a finished evaluation in a form that other programs read.",
        discussion: """
            sipat evaluate export eval/first --format csv

            robustbench: the entry of a model in RobustBench's model_info, for AutoAttack as published. jsonl: a line of settings, then one for \
            each image with what each attack did to it. csv: a row for each attack, radius, region and image. tensorboard: a folder for \
            tensorboard --logdir, or wandb sync. npy: labels, predictions and flags as NumPy arrays, and the adversarial images, if they were \
            kept, as float32 N×C×H×W.
            """)

    /// Takes the flags that both have.
    @ParentCommand var evaluate: EvaluateCommand

    @Argument(help: ArgumentHelp("The folder of a finished evaluation.", valueName: "folder"))
    var folder: String
    @Option(help: "\(EvaluationExport.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: String
    @Option(help: "The file, or for tensorboard and npy the folder, to write; a usual name in the evaluation's folder if not given.")
    var output: String?
    @Option(help: "The radius for robustbench, where there are several.")
    var epsilon: String?

    mutating func validate() throws {
        folder = try expandingTilde(folder)
        try expandTilde(&output)
    }

    func run() throws {
        try reportingFailures {
            // What belongs to the evaluation itself would be passed over without a word.
            let own = ["--format", "--output", "--epsilon"]
            let foreign = EvaluateCommand.ownArguments().filter { $0.hasPrefix("--") && !own.contains(String($0.prefix { $0 != "=" })) }
            guard foreign.isEmpty else {
                throw Failure.usage("sipat evaluate export does not know \(foreign.joined(separator: ", "))", remedy: "it knows \(own.joined(separator: ", "))")
            }
            let output = output ?? evaluate.output
            let format: EvaluationExport.Format = try choice(format, flag: "--format")!
            let radius = try epsilon.map { text -> Float in
                guard let value = RecipeField.number(text), value > 0, value.isFinite else {
                    throw Failure.usage("--epsilon: \"\(text)\" is no radius", remedy: "write a number above 0, such as 8/255")
                }
                return Float(value)
            }
            let written = try EvaluationExport.write(format, of: folder, to: output, epsilon: radius, time: Date().timeIntervalSince1970)
            try Output.result(written.joined(separator: "\n"))
        }
    }
}
