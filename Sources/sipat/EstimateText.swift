import Diagnostics
import Experiments
import Foundation
import Recipes
import Scaling

/// An estimate of a run, as tables.
struct EstimateText {
    let estimate: TrainingEstimate

    /// Cores that the run keeps busy.
    private var workers: Int { estimate.ranks * estimate.threads }

    var text: String {
        let e = estimate
        let method = e.recipe.methodText.isEmpty ? "" : ", \(e.recipe.methodText)"
        let attack = e.recipe.mode == .natural || e.recipe.attack.name != .pgd ? "" : ", PGD-\(e.recipe.attack.steps)"
        let end = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: e.run)).prefix(16).replacingOccurrences(of: "T", with: " ")
        return """
            \(e.recipe.mode.rawValue) training of \(e.recipe.model.name)\(attack)\(method); measured: \(e.stepsTimed) steps on \(e.ranks) rank(s) of \(e.threads) thread(s)
            | what | |
            | :--- | ---: |
            | step (attack, update) | \(decimal(e.step, 3)) s (\(decimal(e.attack, 3)), \(decimal(e.update, 3))) |
            | epoch of \(e.stepsPerEpoch) steps, validation included | \(duration(e.epoch)) |
            | one validation | \(duration(e.validation)) |
            | \(e.recipe.epochs) epochs | \(duration(e.run)) |
            | core-hours | \(coreHours(e.run * Double(workers))) |
            | would end, started now (UTC) | \(end) |
            | memory per rank, so far | \(byteText(e.residentBytes)) |
            | checkpoint | \(byteText(e.checkpointBytes)) |
            | disk at most | \(byteText(e.diskBytes)) |

            \(scaling)
            """
    }

    private func coreHours(_ seconds: Double) -> String { significant(seconds / 3600, 3) }

    /// Other numbers of ranks, by the model of `sipat scale predict`.
    private var scaling: String {
        let e = estimate
        let own = (e.microBatches + e.ranks - 1) / e.ranks
        let cores = max(ProcessInfo.processInfo.activeProcessorCount, e.ranksPerHost)
        let point = ScalePoint(
            scaling: .strong, ranks: e.ranks, threads: 1, rankBatch: own * e.recipe.data.microBatch, isOversubscribed: false, steps: [e.step],
            compute: e.attack + e.update + e.optimizer, backward: e.backward, optimizer: e.optimizer, exposedCommunication: 0,
            hiddenCommunication: 0, imbalance: 0, spread: 0.01)
        let run = ScaleRun(
            host: "", cpu: "", cores: cores,
            work: .init(
                model: e.recipe.model.name, width: nil, stem: "", inputSize: 0, classes: 0, pgdSteps: e.recipe.attack.steps,
                microBatch: e.recipe.data.microBatch, globalBatch: e.recipe.data.batch, rankBatch: own * e.recipe.data.microBatch),
            gradientBytes: e.gradientBytes, points: [point], allreduce: [])
        guard let model = try? StepModel(run, bucketBytes: e.recipe.communication.bucketMegabytes * 1e6),
            let network = try? Network.named("ethernet-10g")
        else { return "" }
        func seconds(_ ranks: Int) -> Double {
            model.predict(ranks: ranks, microBatches: e.microBatches, ranksPerHost: cores, between: network.link).seconds
        }
        let here = seconds(e.ranks)
        var lines = [
            "Predicted, not measured, for other numbers of ranks (hosts of \(cores) cores like this one, \(network.title) between them, a thread per rank;",
            "a batch has \(e.microBatches) micro-batches: more ranks than that have nothing to do):",
            "| ranks | epoch | \(e.recipe.epochs) epochs | core-hours |", "| ---: | ---: | ---: | ---: |",
        ]
        var ranks = 1
        while ranks <= e.microBatches {
            // Scaled so that the measured number of ranks has its measured time.
            let run = e.run * seconds(ranks) / here
            lines.append("| \(ranks) | \(duration(run / Double(e.recipe.epochs))) | \(duration(run)) | \(coreHours(run * Double(ranks * e.threads))) |")
            ranks *= 2
        }
        return lines.joined(separator: "\n")
    }

    /// What fits into a budget of core-seconds, method by method.
    func table(budget: Double) -> String {
        let e = estimate
        let rest = max(0, e.step - e.attack - e.update)
        let overhead = e.epoch - Double(e.stepsPerEpoch) * e.step
        var lines = [
            "What \(coreHours(budget)) core-hours buy on \(workers) core(s), that is \(duration(budget / Double(workers))), by the steps measured above:",
            "| method | --set | epoch | core-hours per epoch | epochs that fit | common |", "| :--- | :--- | ---: | ---: | ---: | ---: |",
        ]
        for method in e.methods {
            let epoch = Double(e.stepsPerEpoch) * (method.step + rest) + overhead
            let cost = epoch * Double(workers)
            let keys = method.keys.isEmpty ? "as it is" : method.keys.joined(separator: " ")
            lines.append("| \(method.name) | \(keys) | \(duration(epoch)) | \(coreHours(cost)) | \(epochs(budget / cost)) | \(method.commonEpochs) |")
        }
        lines.append("Few epochs want schedule.name=one-cycle. What each method is worth is not in this table: see README.")
        return lines.joined(separator: "\n")
    }

    private func epochs(_ count: Double) -> String {
        guard count >= 1 else { return "none" }
        return count < 1e9 ? "\(Int(count))" : "over 1000000000"
    }
}
