import ArgumentParser
import Diagnostics
import Foundation
import Scaling
import Training

struct ScalePredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Predict scaling on named networks from a scale run.",
        discussion: """
            Fits a model of the step to scale.json, checks it on measured points it has not seen, and extrapolates. Its \
            assumptions stand in the output.

            sipat scale predict --from scaling/scale.json --networks ethernet-10g,hdr --batch 4096 --output prediction
            """)

    @Option(help: ArgumentHelp("What sipat scale run has written.", valueName: "scale.json"))
    var from: String
    @Option(help: "Networks: \(Network.known.map(\.name).joined(separator: ", ")).")
    var networks = Network.known.map(\.name).joined(separator: ",")
    @Option(help: "Ranks on each host, which share its connection.")
    var ranksPerHost = 16
    @Option(help: "Images per step in strong scaling; the measured one if not given.")
    var batch: Int?
    @Option(help: "Images per step and rank in weak scaling; the measured one if not given.")
    var rankBatch: Int?
    @Option(help: "The most ranks.")
    var ranks = 4096
    @Option(help: "The least efficiency that is good enough.")
    var efficiency = 0.8
    @Option(help: "A folder for predict.json and predict.svg.")
    var output: String?

    mutating func validate() throws {
        from = try expandingTilde(from)
        try expandTilde(&output)
    }

    func run() throws {
        try reportingFailures {
            let measured = try ScaleRun(contentsOf: from)
            if let output {
                try makeFolders(output)
                try requireWritable([("--output", output + "/predict.json"), ("--output", output + "/predict.svg")], inputs: [from])
            }
            let prediction = try ScalePrediction(measured, settings(measured))
            if let output {
                try writeJSON(prediction, to: output + "/predict.json")
                try writeAtomically(Array(prediction.picture.utf8), to: output + "/predict.svg")
            }
            try Output.result(prediction.text)
        }
    }

    private func settings(_ measured: ScaleRun) throws -> ScalePrediction.Settings {
        let (batch, rankBatch) = (batch ?? measured.work.globalBatch, rankBatch ?? measured.work.rankBatch)
        guard ranksPerHost >= 1, batch >= 1, rankBatch >= 1, (1...1_048_576).contains(ranks), efficiency > 0, efficiency <= 1 else {
            throw Failure.usage(
                "--ranks-per-host, --batch, --rank-batch and --ranks must be at least 1, --efficiency between 0 and 1")
        }
        return ScalePrediction.Settings(
            networks: try networks.split(separator: ",").map { try Network.named(String($0)) }, ranksPerHost: ranksPerHost,
            globalBatch: batch, rankBatch: rankBatch, largest: ranks, efficiency: efficiency,
            bucketBytes: Double(GradientReducer.defaultBucketBytes))
    }
}
