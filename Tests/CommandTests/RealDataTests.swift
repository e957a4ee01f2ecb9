import Foundation
import Testing

/// A folder with CIFAR-10 in the binary layout, where it is at hand.
private let cifar: String = {
    let shared = ProcessInfo.processInfo.environment["SIPAT_SHARED"] ?? "../shared"
    return URL(fileURLWithPath: shared + "/data/cifar10-subset-bin").path
}()

@Suite("Real images")
struct RealDataTests {
    @Test(.enabled(if: FileManager.default.fileExists(atPath: cifar), "needs CIFAR-10 images: set SIPAT_SHARED"))
    func cifarTrainsAndIsEvaluatedOnTwoRanks() throws {
        let folder = try TemporaryFolder()
        let run = folder.path + "/run"
        let arguments = [
            "data.directory=\(cifar)", "salience.estimator=centre-prior", "model.name=cnn", "model.width=8", "epochs=1",
            "attack.steps=2", "validation.limit=50", "validation.steps=2", "schedule.name=one-cycle",
        ].flatMap { ["--set", $0] }
        let trained = try TinyRun.sipatOnRanks(2, ["train", "--recipe", "cifar10", "--output", run] + arguments)
        #expect(trained.status == 0, "\(trained)")
        let evaluated = try TinyRun.sipatOnRanks(
            2, ["evaluate", "--weights", run, "--limit", "200", "--epsilons", "0,8/255", "--steps", "5", "--json", folder.path + "/out.json"])
        #expect(evaluated.status == 0 && evaluated.output.contains("200 images"), "\(evaluated)")
        #expect(FileManager.default.fileExists(atPath: folder.path + "/out.json"))
    }
}
