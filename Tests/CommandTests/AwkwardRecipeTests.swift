import Foundation
import TestSupport
import Testing

@Suite("Awkward recipes", .serialized)
struct AwkwardRecipeTests {
    private let folder: TemporaryFolder
    private let small = TinyRun.settings.flatMap { ["--set", $0] } + ["--set", "epochs=1"]

    init() throws { folder = try TemporaryFolder() }

    private func write(_ bytes: [UInt8]) throws -> String {
        let path = folder.path + "/recipe.yaml"
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    private func train(_ recipe: String, _ more: [String] = []) throws -> ProgramRun {
        try ProgramRun.of(builtProgram("sipat"), ["train", recipe, "--output", folder.path + "/run-\(UUID().uuidString)"] + small + more, timeout: 120)
    }

    @Test func aByteOrderMarkIsNoPartOfTheText() throws {
        for text in ["base: synthetic\n", "---\nbase: synthetic\n", "# recipe\r\nbase: synthetic\r\n"] {
            let run = try train(write([0xEF, 0xBB, 0xBF] + Array(text.utf8)))
            #expect(run.status == 0, "\(run)")
        }
        let wide = try train(write([0xFF, 0xFE] + "base: synthetic\n".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }))
        #expect(wide.status == 64 && wide.errors.contains("UTF-16"), "\(wide)")
        for (encoding, name) in [
            (String.Encoding.utf16LittleEndian, "UTF-16LE"), (.utf16BigEndian, "UTF-16BE"), (.utf32LittleEndian, "UTF-32LE"), (.utf32BigEndian, "UTF-32BE"),
        ] {
            let run = try train(write([UInt8](#require("base: synthetic\n".data(using: encoding)))))
            #expect(run.status == 64 && run.errors.contains("is text in \(name), expected UTF-8") && run.errors.contains("iconv -f \(name) "), "\(name): \(run)")
        }
        let marked = try train(write([0xFF, 0xFE, 0, 0] + [UInt8](#require("base: synthetic\n".data(using: .utf32LittleEndian)))))
        #expect(marked.status == 64 && marked.errors.contains("iconv -f UTF-32 "), "\(marked)")
        let latin = try train(write(Array("base: synthetic # f".utf8) + [0xFC] + Array("r\n".utf8)))
        #expect(latin.status == 64 && latin.errors.contains("UTF-8"), "\(latin)")
    }

    @Test func recipesComeThroughPipes() throws {
        let program = try builtProgram("sipat")
        let flags = small.joined(separator: " ")
        for (number, command) in [
            "'\(program)' train <(echo base: synthetic)", "echo base: synthetic | '\(program)' train /dev/stdin",
            "echo base: synthetic | mpirun -n 2 --oversubscribe '\(program)' train /dev/stdin",
        ].enumerated() {
            let run = try ProgramRun.of(
                "bash", ["-c", "\(command) --output \(folder.path)/pipe\(number) \(flags)"], environment: ProgramRun.launchEnvironment, timeout: 120)
            #expect(run.status == 0, "\(command): \(run)")
        }
    }

    @Test func aWideResNetByItsName() throws {
        let path = try write(Array("base: synthetic\nmodel:\n  name: wide-resnet-10-1\n  width: 4\n".utf8))
        let output = folder.path + "/wide"
        let run = try ProgramRun.of(
            builtProgram("sipat"),
            ["train", path, "--output", output] + small.pairedSettings(), timeout: 120)
        #expect(run.status == 0, "\(run)")
        for model in [[], ["--model", "wide-resnet-10-1"], ["--model", "wide-resnet-10-1", "--width", "4"]] {
            let result = try TinyRun.sipatOnRanks(1, ["evaluate", "--weights", output, "--epsilons", "0", "--limit", "20"] + model)
            #expect(result.status == 0, "\(model): \(result)")
        }
    }

    @Test func mergeKeys() throws {
        let text = """
            x-common: &common
              steps: 2
              epsilon: 4/255
            base: synthetic
            attack:
              <<: *common
              steps: 1
            """
        let path = try write(Array(text.utf8))
        let output = folder.path + "/merged"
        // --set comes last, so these settings are left alone.
        let settings = small.pairedSettings { !$0.hasPrefix("attack.steps") }
        let run = try ProgramRun.of(builtProgram("sipat"), ["train", path, "--output", output] + settings, timeout: 120)
        #expect(run.status == 0, "\(run)")
        let stored = try String(contentsOfFile: output + "/recipe.yaml", encoding: .utf8)
        #expect(stored.contains("  epsilon: 4/255\n") && stored.contains("  steps: 1\n"), "\(stored)")
        let wrong = try train(write(Array("base: synthetic\n<<: 3\n".utf8)))
        #expect(wrong.status == 64 && wrong.errors.contains("alias of a group"), "\(wrong)")
    }

    @Test(arguments: [
        ("attack=1", "group of keys"), ("attack=1", "attack.epsilon"), ("=1", "no key before"), ("optimizer.learning_rate=1", "did you mean optimizer.lr"),
        ("learningRate=1", "did you mean optimizer.lr"), ("attack.eps=1", "did you mean attack.epsilon"), ("batch_size=1", "did you mean data.batch"),
        ("data.batch_size=1", "did you mean data.batch?"), ("optimizer.weight_decay=1", "did you mean optimizer.weightDecay"),
        ("attack.step_size=1", "did you mean attack.stepSize"), ("attack.alpha=1", "did you mean attack.stepSize"), ("num_epochs=3", "did you mean epochs"),
        ("attack.epsilon", "key=value"),
    ]) func overridesThatAreNone(override: String, expected: String) throws {
        let run = try TinyRun.sipat("train", "--recipe", "synthetic", "--output", folder.path + "/x", "--set", override)
        #expect(run.status == 64 && run.errors.contains(expected), "\(override): \(run)")
    }
}

extension [String] {
    /// `--set` pairs out of a list of `--set`, `key=value`, without those of keys that are not wanted.
    fileprivate func pairedSettings(_ isWanted: (String) -> Bool = { !$0.hasPrefix("model.") }) -> [String] {
        filter { $0 != "--set" && isWanted($0) }.flatMap { ["--set", $0] }
    }
}
