import Diagnostics
import Foundation
import TestSupport
import Testing

@Suite("Awkward paths", .serialized)
struct PathTests {
    private func sipat(_ arguments: [String], in folder: String, environment: [String: String] = [:]) throws -> ProgramRun {
        try ProgramRun.of(builtProgram("sipat"), arguments, environment: environment, directory: URL(filePath: folder), timeout: 120)
    }

    @Test func partsOfPaths() throws {
        for (path, folder, name) in [
            ("r", ".", "r"), ("q/run", "q", "run"), ("/x", "/", "x"), ("a/b/", "a", "b"), ("./r", ".", "r"), ("../r", "..", "r"), ("", ".", ""), ("/", "/", ""),
            ("ä/ö", "ä", "ö"), ("a b/c d", "a b", "c d"),
        ] {
            #expect(pathFolder(path) == folder && pathName(path) == name, "\(path): \(pathFolder(path)), \(pathName(path))")
        }
        for (text, word) in [("a/b-1.json", "a/b-1.json"), ("0,4/255", "0,4/255"), ("my maps", "'my maps'"), ("it's", "'it'\\''s'"), ("", "''"), ("$HOME", "'$HOME'"), ("ä", "'ä'")] {
            #expect(shellQuoted(text) == word, "\(shellQuoted(text))")
        }
        #expect(try expandingTilde("~/x").hasSuffix("/x") && !expandingTilde("~/x").hasPrefix("~"))
        #expect(try expandingTilde("./~") == "./~" && expandingTilde("a~") == "a~")
        #expect(throws: Failure.self) { try expandingTilde("~nobody-of-this-name/x") }
    }

    @Test(arguments: ["r", "q/r", "./r", "q/", "q//r/", "ä", "a b", "=", "a/b/c/d"]) func everyPlaceForARun(output: String) throws {
        let folder = try TemporaryFolder()
        // Two ranks have a watchdog, which leaves word in the folder.
        let run = try ProgramRun.mpirun(
            ranks: 2, builtProgram("sipat"), TinyRun.arguments(output, ["epochs=1"]), directory: URL(filePath: folder.path), timeout: 120)
        #expect(run.status == 0, "\(output): \(run)")
        let file = pathFolder(output) + "/e"
        let evaluation = try sipat(["evaluate", "--weights", output, "--epsilons", "0", "--limit", "20", "--json", file, "--per-sample", "s"], in: folder.path)
        #expect(evaluation.status == 0, "\(output): \(evaluation)")
    }

    @Test func aTildeThatTheShellLeftIsTheHomeFolder() throws {
        let folder = try TemporaryFolder()
        let (home, here) = (folder.path + "/home", folder.path + "/here")
        for path in [home, here] { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        #expect(try sipat(TinyRun.arguments("~/r", ["epochs=1"]), in: here, environment: ["HOME": home]).status == 0)
        let run = try sipat(
            ["evaluate", "--weights=~/r", "--epsilons", "0", "--limit", "20", "--json=~/e.json"], in: here, environment: ["HOME": home])
        #expect(run.status == 0, "\(run)")
        #expect(FileManager.default.fileExists(atPath: home + "/e.json"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: here).isEmpty)
    }

    /// In every command alike: a mistake in the command line, told by the one rank that speaks.
    @Test func nobodysHomeFolderIsAMistake() throws {
        let folder = try TemporaryFolder()
        let path = "~nobody-of-this-name/x"
        for arguments in [
            ["train", "--recipe", "synthetic", "--output", path], ["evaluate", "--weights", path], ["verify", path, "x"], ["export", "--weights", path, "--output", "x"],
            ["scale", "run", "--output", path], ["pilot", "run", path], ["review", "status", path], ["salience", "show", path],
            ["salience", "estimate", "--data", path, "--output", "x"], ["bench", "kernels", "--json", path],
        ] {
            let run = try sipat(arguments, in: folder.path)
            #expect(run.status == 64 && run.errors.contains("there is no user nobody-of-this-name here"), "\(arguments): \(run)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func placesForResultsAreCheckedBeforeTheWork() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        let evaluate = ["evaluate", "--weights", run, "--epsilons", "0", "--limit", "20"]
        func refuses(_ arguments: [String], _ status: Int32, _ part: String) throws {
            let result = try sipat(arguments, in: folder.path)
            #expect(result.status == status && result.errors.contains(part) && result.output.isEmpty, "\(arguments): \(result)")
        }
        for flag in ["--json", "--per-sample"] {
            try refuses(evaluate + [flag, folder.path + "/none/x"], 74, flag)
            try refuses(evaluate + [flag, folder.path], 74, flag)
        }
        try refuses(evaluate + ["--json", "x", "--per-sample", "./x"], 64, "both name")
        for command in [["bench", "kernels"], ["bench", "step"], ["bench", "layers"], ["bench", "allreduce"]] {
            try refuses(command + ["--json", "none/x"], 74, "none/x")
        }
        try refuses(["salience", "estimate", "--data", "synthetic", "--output", "none/x.npy"], 74, "none/x")

        // Nothing overwrites what is read, by whatever name.
        let step = try #require(try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints").first { $0.hasPrefix("step-") })
        let weights = "\(run)/checkpoints/\(step)/weights.safetensors"
        let before = try Data(contentsOf: URL(filePath: weights))
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/symbolic", withDestinationPath: weights)
        #expect(link(weights, folder.path + "/hard") == 0)
        for name in [weights, "symbolic", "hard", "\(run)/checkpoints/../checkpoints/\(step)/state.json"] {
            try refuses(evaluate + ["--json", name], 64, "overwrite")
        }
        try refuses(["evaluate", "--weights", weights, "--epsilons", "0", "--per-sample", "symbolic"], 64, "overwrite")
        #expect(try Data(contentsOf: URL(filePath: weights)) == before)
        // Nor what the run needs to go on, or tells of itself.
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/log", withDestinationPath: run + "/metrics.jsonl")
        for name in ["recipe.yaml", "metrics.jsonl", "run.lock", "model-card.md", "checkpoints/best.json", "checkpoints/\(step)/manifest.json"] {
            let bytes = try Data(contentsOf: URL(filePath: "\(run)/\(name)"))
            try refuses(evaluate + ["--json", "\(run)/\(name)"], 64, "overwrite")
            try refuses(["bench", "kernels", "--json", "\(run)/\(name)"], 64, "overwrite")
            #expect(try Data(contentsOf: URL(filePath: "\(run)/\(name)")) == bytes)
        }
        try refuses(evaluate + ["--per-sample", "log"], 64, "overwrite")
        try refuses(["export", "--weights", run, "--output", run + "/recipe.yaml"], 64, "overwrite")
        // A result of before may be replaced.
        for _ in 0..<2 { #expect(try sipat(evaluate + ["--json", run + "/evaluation.json"], in: folder.path).status == 0) }

        // A recipe of the user's is not replaced by the run's.
        let recipe = "# mine\nbase: synthetic\n"
        try Data(recipe.utf8).write(to: URL(filePath: folder.path + "/recipe.yaml"))
        try refuses(["train", "recipe.yaml", "--output", "."], 64, "overwrite")
        #expect(try String(contentsOfFile: folder.path + "/recipe.yaml", encoding: .utf8) == recipe)
    }
}
