import Datasets
import Diagnostics
import Recipes
import Salience
import Training

extension TrainingData {
    /// What to say when the maps make SIP-AT another method: they protect no pixel (adversarial training) or all of them
    /// (training on clean images), of every training image. Nil otherwise. Reads the maps once at most.
    func protectionWarning(_ recipe: Recipe) throws -> String? {
        guard recipe.mode == .sipAT, dataset.hasSalience, !training.isEmpty else { return nil }
        if recipe.attack.epsilonSalient == recipe.attack.epsilon {
            return "warning: mode is sip-at, but attack.epsilonSalient equals attack.epsilon: salient pixels are attacked like all others, as in adversarial training"
        }
        let (mask, pixels) = (try recipe.mask(), dataset.imageShape.pixels)
        var (protectsAny, attacksAny, unannotated) = (false, false, 0)
        var row = [Float](repeating: 1, count: pixels)
        var map = [Float](repeating: 0, count: pixels)
        for index in training {
            guard try dataset.readFittedMap(index, into: &map) else {
                (attacksAny, unannotated) = (true, unannotated + 1)
                continue
            }
            mask.fill(&row, salience: map, images: 1, pixels: pixels)
            protectsAny = protectsAny || row.contains { $0 < 1 }
            attacksAny = attacksAny || row.contains { $0 > 0 }
            if protectsAny, attacksAny { return nil }
        }
        let all = "of any of the \(training.count) training images"
        if !protectsAny {
            let cause = unannotated == training.count ? "none of them has a map that marks anything" : "no value of a map passes the threshold, \(recipe.attack.threshold)"
            return "warning: mode is sip-at, but no pixel \(all) is protected (\(cause)): this is adversarial training under another name\n  → look at the maps: sipat salience show MAPS; or set mode=at if that is what you want"
        }
        return "warning: mode is sip-at, but every pixel \(all) is protected: nothing is attacked, this is training on clean images under another name\n  → look at the maps: sipat salience show MAPS; or set mode=natural if that is what you want"
    }
}

/// Refuses a run whose steps would need more memory than there is. The data are loaded; all ranks must be here, none of
/// them allocating.
///
/// - Parameter local: ranks on this host.
func requireMemory(_ recipe: Recipe, _ data: TrainingData, ranks: Int, local: Int, threads: Int) throws {
    let network = try recipe.modelConfiguration().network(input: data.dataset.imageShape, classes: data.dataset.classes)
    let batch = min(recipe.data.batch, data.training.count)
    let microBatches = (batch + recipe.data.microBatch - 1) / recipe.data.microBatch
    let need = TrainingStep.memoryNeed(
        network: network, batch: min(batch, ownedMicroBatches(total: microBatches, rank: 0, size: ranks).count * recipe.data.microBatch),
        microBatch: recipe.data.microBatch, threads: threads, settings: try StepSettings(recipe, plan: EpochPlan(trainingIndices: data.training, batchSize: recipe.data.batch, microBatchSize: recipe.data.microBatch, seed: recipe.randomSeed)))
    try requireMemory(
        need, processes: local, for: "training \(recipe.model.name) on images of \(data.dataset.imageShape) with data.microBatch \(recipe.data.microBatch)",
        remedy: "make data.batch, data.microBatch or the model smaller, or use more hosts with fewer ranks or threads on each")
}
