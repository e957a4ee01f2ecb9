import Foundation
import Salience
import Testing

@Suite("SIP-AT between natural and adversarial training", .serialized)
struct ModeTests {
    private func writeMaps(_ path: String, value: UInt8) throws {
        try SalienceMaps(
            bytes: [UInt8](repeating: value, count: 220 * 256), count: 220, height: 16, width: 16,
            provenance: SalienceProvenance(
                source: .mask, dataset: .init(name: "synthetic", split: "train", count: 220), createdBy: "test")
        ).write(to: path)
    }

    @Test func emptySalienceIsAdversarialTraining() throws {
        let folder = try TemporaryFolder()
        try writeMaps(folder.path + "/empty.npy", value: 0)
        #expect(try TinyRun.train(folder.path + "/at", ["mode=at"]).status == 0)
        let result = try TinyRun.train(folder.path + "/sip", ["salience.maps=\(folder.path)/empty.npy"])
        #expect(result.status == 0, "\(result)")
        #expect(try TinyRun.weights(folder.path + "/sip") == TinyRun.weights(folder.path + "/at"))
    }

    @Test func fullSalienceIsNaturalTraining() throws {
        let folder = try TemporaryFolder()
        try writeMaps(folder.path + "/full.npy", value: 255)
        #expect(try TinyRun.train(folder.path + "/natural", ["mode=natural"]).status == 0)
        let result = try TinyRun.train(folder.path + "/sip", ["salience.maps=\(folder.path)/full.npy"])
        #expect(result.status == 0, "\(result)")
        #expect(try TinyRun.weights(folder.path + "/sip") == TinyRun.weights(folder.path + "/natural"))
    }

    @Test func theModesDiffer() throws {
        let folder = try TemporaryFolder()
        var weights = Set<String>()
        for mode in ["natural", "at", "sip-at"] {
            #expect(try TinyRun.train(folder.path + "/\(mode)", ["mode=\(mode)"]).status == 0)
            weights.insert(try TinyRun.weights(folder.path + "/\(mode)"))
        }
        #expect(weights.count == 3)
    }

    /// A rate at which logits saturate: where the loss has no gradient, nothing was trained against.
    @Test func gradientsThatVanishAreTold() throws {
        let folder = try TemporaryFolder()
        let sound = try TinyRun.train(folder.path + "/sound", ["mode=at"])
        #expect(!(sound.output + sound.errors).contains("first gradient was zero"), "\(sound)")
        let saturated = try TinyRun.train(folder.path + "/saturated", ranks: 2, ["mode=at", "optimizer.lr=8", "schedule.name=constant"])
        #expect(saturated.status == 0 && (saturated.output + saturated.errors).contains("the attack's first gradient was zero for"), "\(saturated)")
        let counts = try TinyRun.lines(folder.path + "/saturated").compactMap { $0["zeroGradients"] as? Int }
        #expect(counts.count == 2 && counts.contains { $0 > 0 }, "\(counts)")
    }

    @Test func everyUnannotatedImageIsAttackedEverywhere() throws {
        let folder = try TemporaryFolder()
        #expect(try TinyRun.train(folder.path + "/at", ["mode=at"]).status == 0)
        #expect(try TinyRun.train(folder.path + "/sip", ["salience.unannotated=1"]).status == 0)
        #expect(try TinyRun.weights(folder.path + "/sip") == TinyRun.weights(folder.path + "/at"))
    }
}
