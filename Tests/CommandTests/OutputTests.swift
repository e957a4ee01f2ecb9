import Diagnostics
import Foundation
import TestSupport
import Testing

/// A run outlives its terminal; a result that was not delivered is exit 74.
@Suite("Output that cannot be written", .serialized)
struct OutputTests {
    /// Runs the words through a shell, which arranges standard output.
    private func shell(_ command: String) throws -> ProgramRun {
        try ProgramRun.of("bash", ["-c", "set -o pipefail; " + command], environment: ProgramRun.launchEnvironment, timeout: 120)
    }

    private func program() throws -> String { "'\(try builtProgram("sipat"))'" }

    @Test(arguments: [">&-", ">/dev/full"]) func aResultThatIsLostIsAFailure(redirection: String) throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        let (evaluation, maps) = (folder.path + "/a.json", folder.path + "/maps.npy")
        let evaluate = "evaluate --weights \(run) --epsilons 0 --limit 20"
        #expect(try shell("\(program()) \(evaluate) --json \(evaluation)").status == 0)
        for command in [
            evaluate, "compare a=\(evaluation)", "verify \(run) \(run)", "train --print-recipe synthetic", "--help", "evaluate --help", "--version",
            "doctor", "salience estimate --data synthetic --split test --output \(maps)", "salience show \(maps)",
            "bench kernels --batch 1 --size 8 --seconds 0.001", "bench step --model cnn --width 4 --batch 4 --input-size 16 --pgd-steps 1 --repeats 1",
            "bench allreduce --sizes 4096 --repeats 1", "bench layers --model cnn --width 4 --batch 2 --seconds 0.001",
        ] {
            let result = try shell("\(program()) \(command) \(redirection)")
            #expect(result.status == 74 && result.errors.contains("standard output"), "\(command) \(redirection): \(result)")
        }
        // What mpirun cannot write is as lost.
        for command in [evaluate, "doctor"] {
            let result = try shell("mpirun -n 2 --oversubscribe \(program()) \(command) \(redirection)")
            #expect(result.status == 74 && result.errors.contains("standard output"), "mpirun, \(command): \(result)")
        }
    }

    @Test(arguments: [">&-", ">/dev/full", "| head -n 1", "| true", "2>&- | true"]) func aRunOutlivesItsTerminal(redirection: String) throws {
        let folder = try TemporaryFolder()
        for launcher in ["", "mpirun -n 2 --oversubscribe "] {
            let run = folder.path + "/run\(launcher.count)"
            // Many lines after the reader has gone.
            let words = TinyRun.arguments(run, ["epochs=30", "checkpoint.everyEpochs=10", "attack.steps=1", "watch.action=off", "validation.limit=16"]).map { "'\($0)'" }
            let result = try shell("\(launcher)\(program()) \(words.joined(separator: " ")) \(redirection)")
            #expect(result.status == 0, "\(launcher)\(redirection): \(result)")
            #expect(try TinyRun.lines(run).count { $0["type"] as? String == "epoch" } == 30)
            // No line for the terminal went into a file that took its number.
            #expect(try TinyRun.weights(run).hasPrefix("210 "))
        }
    }
}
