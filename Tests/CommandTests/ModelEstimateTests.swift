import Foundation
import TestSupport
import Testing

/// Maps that a user's own model makes.
@Suite("Salience from one's own model", .serialized)
struct ModelEstimateTests {
    private let folder: TemporaryFolder
    private let run: String

    init() throws {
        folder = try TemporaryFolder()
        run = folder.path + "/run"
        let result = try TinyRun.train(run, ["epochs=2", "model.mean=0.5", "model.std=0.25"])
        try #require(result.status == 0, "\(result)")
    }

    private func estimate(_ name: String, ranks: Int = 1, to output: String, _ flags: [String] = []) throws -> ProgramRun {
        try TinyRun.sipatOnRanks(
            ranks, ["salience", "estimate", "--weights", run, "--data", "synthetic", "--estimator", name, "--output", "\(folder.path)/\(output)"] + flags)
    }

    private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)")) }

    @Test(arguments: ["gradient", "smoothgrad", "integrated-gradients", "grad-cam"])
    func theSameOnAnyNumberOfRanks(_ name: String) throws {
        let flags = name == "smoothgrad" ? ["--samples", "5"] : []
        for ranks in [1, 3] {
            let result = try estimate(name, ranks: ranks, to: "\(ranks).npy", flags)
            #expect(result.status == 0, "\(result)")
            #expect((result.output + result.errors).contains("completeness") == (name == "integrated-gradients"), "\(result)")
        }
        #expect(try bytes("1.npy") == bytes("3.npy") && bytes("1.json") == bytes("3.json"))
        #expect(Set(try bytes("1.npy").suffix(256)).count > 50)
        let json = String(decoding: try bytes("1.json"), as: UTF8.self)
        for part in ["\"weights\"", "\"model\" : \"cnn\"", "\"class\" : \"predicted\"", name] { #expect(json.contains(part), "\(json)") }
        // And it is what training takes.
        let trained = try TinyRun.train(folder.path + "/next", ["epochs=1", "salience.maps=\(folder.path)/1.npy"])
        #expect(trained.status == 0 && !trained.output.contains("warning"), "\(trained)")
    }

    @Test func classesAndMistakes() throws {
        #expect(try estimate("grad-cam", to: "predicted.npy").status == 0)
        #expect(try estimate("grad-cam", to: "label.npy", ["--class", "label"]).status == 0)
        #expect(try estimate("grad-cam", to: "three.npy", ["--class", "3"]).status == 0)
        #expect(try Set([bytes("predicted.npy"), bytes("label.npy"), bytes("three.npy")]).count == 3)
        for (name, flags, words) in [
            ("gradient", ["--steps", "5"], ["--steps", "integrated-gradients"]), ("gradient", ["--class", "cat"], ["--class", "cat"]),
            ("gradient", ["--class", "10"], ["--class"]), ("gradient", ["--channels", "mean"], ["--channels", "max"]),
            ("smoothgrad", ["--samples", "0"], ["--samples"]), ("spectral-residual", [], ["--weights", "grad-cam"]), ("gradient", ["--sigma", "2"], ["--sigma"]),
        ] as [(String, [String], [String])] {
            let result = try estimate(name, to: "none.npy", flags)
            #expect(result.status == 64 && words.allSatisfy { result.errors.contains($0) }, "\(name) \(flags): \(result)")
        }
        let without = try TinyRun.sipat("salience", "estimate", "--data", "synthetic", "--estimator", "gradient", "--output", folder.path + "/x.npy")
        #expect(without.status == 64 && without.errors.contains("--weights is missing"), "\(without)")
        let coarse = try estimate("integrated-gradients", to: "coarse.npy", ["--steps", "1"])
        #expect(coarse.status == 0 && coarse.errors.contains("completeness"), "\(coarse)")
    }
}
