import ArgumentParser
import Diagnostics
import Foundation
import MPI
import Pilot
import Recipes

struct PilotPlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Look at the data, time a few steps, and write a plan that fits a budget.",
        discussion: """
            The plan, pilot.yaml, says of each key what it means: fill in what is to be decided and the acceptance criteria before the \
            first run. Radii are in grey levels: 8 is 8/255. Start it with as many ranks as the pilot will have.

            mpirun -n 2 sipat pilot plan --data steel.pack --maps steel-boxes --budget 2h --output pilot
            """)

    @Option(help: "A data set's name, or the path of a packed set, a folder, a manifest or shards.")
    var data: String
    @Option(help: "The folder with a named data set's files.")
    var dataDir: String?
    @Option(help: "Salience maps: a folder or an array.")
    var maps: String?
    @Option(help: "An estimator of salience instead.")
    var estimator: String?
    @Option(help: ArgumentHelp("How long the pilot may take, such as 2h or 45m.", valueName: "duration"))
    var budget: Duration
    @Option(help: "The pilot's folder.")
    var output: String
    @Option(help: "The built-in recipe that every training starts from: \(Recipe.builtInNames.joined(separator: ", ")).")
    var recipe: String?
    @Option(name: .customLong("set"), help: ArgumentHelp("A setting over it, for every training; may be given often.", valueName: "key=value"))
    var overrides: [String] = []
    @Option(help: "Radius of training, in grey levels (8).")
    var epsilon: Double?
    @Option(help: "Radii of evaluation, in grey levels, separated by commas (a quarter, a half, the whole of --epsilon).")
    var radii: String?
    @Option(help: "The radius that the recommendation looks at, in grey levels (half of --epsilon).")
    var decision: Double?
    @Option(help: "Methods, separated by commas; all that fit otherwise.")
    var methods: String?
    @Option(help: "Controls, separated by commas, or none; all that fit otherwise.")
    var controls: String?
    @Option(help: "How many seeds (3 or more, as fit).")
    var seeds: Int?
    @Option(help: "Test images, balanced over classes; 0 for all.")
    var images: Int?
    @Option(help: "Attacks, as for sipat evaluate --attack.")
    var attack: String?
    @Option(help: "Threads per rank.")
    var threads = 1
    @Option(help: "What sipat review status --json has written.")
    var review: String?
    @Option(help: "What you may do with the images, for the report.")
    var licence = ""
    @Option(help: "Where they come from, for the report.")
    var origin = ""
    @Option(help: "What is to be decided, in a sentence.")
    var question: String?

    mutating func validate() throws {
        data = try expandingTilde(data)
        output = try expandingTilde(output)
        try expandTilde(&dataDir)
        try expandTilde(&maps)
        try expandTilde(&review)
    }

    func run() throws {
        try Session.withSession { session in
            let world = session.world
            let path = output + "/" + PilotFolder.plan
            try world.agreeing {
                guard world.rank == 0 else { return }
                guard !FileManager.default.fileExists(atPath: path) else {
                    throw Failure.usage("\(output) already holds a pilot", remedy: "run it (sipat pilot run \(shellQuoted(output))), or name another folder (--output)")
                }
            }
            let planned = try PilotPlanner(try world.agreeing { try request() }).run(communicator: world)
            try world.agreeing {
                guard world.rank == 0 else { return }
                let heading = ["A pilot of SIP-AT. Edit it before the first run; what decides an outcome may not be changed after.", ""] + planned.account
                try makeFolders(output)
                try writeAtomically(Array(planned.plan.yaml(heading: heading).utf8), to: path)
                try Output.result((planned.account + ["", "wrote \(path): fill in the acceptance criteria, then: sipat pilot run \(shellQuoted(output))"]).joined(separator: "\n"))
            }
        }
    }

    /// - Throws: `Failure.usage` naming the flag.
    private func request() throws -> PilotRequest {
        guard threads >= 1, threads <= 1024 else { throw Failure.usage("--threads is \(threads), expected 1 to 1024") }
        var request = PilotRequest(data: data, overrides: overrides, budget: budget.seconds, threads: threads)
        (request.directory, request.maps, request.estimator, request.recipe) = (dataDir, maps, estimator, recipe)
        for (flag, value) in [("--epsilon", epsilon), ("--decision", decision)] {
            if let value, !(value > 0 && value <= 255) { throw Failure.usage("\(flag) is \(value), expected grey levels above 0, at most 255", remedy: "such as 4 for 4/255") }
        }
        (request.epsilon, request.decision) = (epsilon, decision)
        request.radii = try list(radii).map { text in
            guard let value = RecipeField.number(text), value > 0, value <= 255 else { throw Failure.usage("--radii: \"\(text)\" is no radius in grey levels", remedy: "such as 2,4,8") }
            return value
        }
        request.methods = list(methods)
        request.controls = controls.map { $0 == "none" ? [] : list($0) }
        if let images, images < 0 { throw Failure.usage("--images is \(images), expected 0 or more") }
        (request.seeds, request.images, request.attack) = (seeds, images, attack)
        (request.review, request.licence, request.origin, request.question) = (review, licence, origin, question)
        return request
    }

    private func list(_ text: String?) -> [String] { (text ?? "").split(separator: ",").map { $0.filter { $0 != " " } } }
}
