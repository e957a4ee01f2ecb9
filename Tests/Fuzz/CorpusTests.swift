import Foundation
import FuzzTargets
import Testing

/// Every input in the corpus once more: seeds, and whatever once made a reader trap, hang or allocate without measure.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTarget.all.map(\.name)) func readsItsCorpus(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let corpus = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil)).appendingPathComponent(name)
        let files = try FileManager.default.contentsOfDirectory(at: corpus, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
        var accepted = 0
        for file in files {
            let input = try Data(contentsOf: file)
            // A trap ends the process; then this is the last line.
            print("fuzz corpus: \(name)/\(file.lastPathComponent)")
            if input.withUnsafeBytes({ target.run($0) }) { accepted += 1 }
        }
        // A target that accepts nothing tests little.
        #expect(accepted > 0, "none of \(files.count) accepted")
    }

    @Test func everyFolderBelongsToATarget() throws {
        let corpus = try #require(Bundle.module.url(forResource: "Corpus", withExtension: nil))
        let folders = try FileManager.default.contentsOfDirectory(atPath: corpus.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }
}
