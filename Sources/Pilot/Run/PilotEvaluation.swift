import Attacks
import Evaluation
import Experiments
import Recipes

/// What is asked of `sipat evaluate`'s own code for one model of a pilot: the same for every model.
struct PilotEvaluation {
    let request: EvaluationRequest
    private let plan: PilotPlan
    private let output: String
    /// The command line that would ask for the same, as it is typed in the pilot's folder.
    let arguments: [String]

    init(_ plan: PilotPlan, _ method: PilotMethod, _ seed: Int, folder: String) throws {
        self.plan = plan
        let recipe = try plan.baseRecipe()
        let asked = plan.evaluation
        let maps = recipe.salience.maps.isEmpty ? nil : recipe.salience.maps
        let threshold = recipe.backgroundThreshold
        // The regions are those of people's maps, whatever the method protects.
        let coverage = recipe.salience.coverage > 0 && asked.regions != ["all"] ? recipe.salience.coverage : 0
        let settings = EvaluationProtocol(
            epsilons: [0] + asked.radii.map { Float($0 / 255) }, steps: asked.steps, restarts: asked.restarts, seed: recipe.randomSeed)
        output = folder + "/" + PilotPart.evaluation(method, seed)
        let weights = PilotPart.run(method, seed)
        var request = EvaluationRequest(
            weights: folder + "/" + weights, model: .init(), data: nil, directory: nil, split: .test, limit: asked.images,
            salience: asked.regions == ["all"] ? nil : maps, salienceThreshold: threshold, settings: settings, batch: 128)
        request.salienceCoverage = coverage
        request.needsSalience = asked.regions != ["all"]
        self.request = request
        var arguments = [
            "--weights", weights, "--attack", asked.attack, "--epsilons", (["0"] + asked.radii.map { "\(PlanSchema.text($0))/255" }).joined(separator: ","),
            "--steps", "\(asked.steps)", "--restarts", "\(asked.restarts)", "--limit", "\(asked.images)", "--threshold", "\(threshold)", "--seed", "\(recipe.seed)",
            "--regions", asked.regions.joined(separator: ","),
        ]
        if let maps = request.salience { arguments += ["--salience", maps] }
        if recipe.salience.coverage > 0 { arguments += ["--coverage", "\(coverage)"] }
        self.arguments = arguments
    }

    func ledger(resumes: Bool, program: String) -> LedgerRequest {
        let asked = plan.evaluation
        return LedgerRequest(
            attacks: plan.attacks, pgd: .init(steps: asked.steps, stepSize: nil, restarts: asked.restarts),
            regions: EvaluationProtocol.Region.allCases.filter { asked.regions.contains($0.rawValue) }, output: output, resumes: resumes, arguments: arguments,
            program: program)
    }
}
