import Attacks
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Testing

/// The ledger as a file: cut off anywhere, of another model, or contradicting itself.
@Suite struct LedgerFileTests {
    private let folder: TemporaryFolder
    private let plan = standardPlan([4.0 / 255])
    private let shape = ImageShape(height: 1, width: 1, channels: 1)
    private let values: [UInt8] = [90, 101, 103, 140]
    private var ledger: String { folder.path + "/" + EvaluationFolder.ledger }

    init() throws { folder = try TemporaryFolder() }

    /// Works on the folder as a process would, from wherever it is.
    @discardableResult
    private func work(_ plan: EvaluationPlan? = nil, keepsImages: Bool = false, model: OnePixelModel = .line(threshold: thresholdOfLine)) throws -> Ledger {
        let plan = plan ?? self.plan
        let path = folder.path + "/" + EvaluationFolder.description
        if !FileManager.default.fileExists(atPath: path) {
            try writeJSON(description(plan, count: values.count, keepsImages: keepsImages, epsilons: [4.0 / 255]), to: path)
        }
        let begun = try Ledger(folder.path, plan: plan)
        let sink = try LedgerFolder(begun, shape: shape)
        let evaluator = LedgerEvaluator(
            plan, model: model, dataset: try pixels(values, labels: [0, 0, 0, 0]), indices: Array(0..<4), seed: 0, keepsImages: keepsImages)
        let (_, progress) = try evaluator.run(from: begun.progress, communicator: nil, sink: sink)
        if let images = sink.images { _ = try evaluator.verify(images, progress) }
        return try Ledger(folder.path)
    }

    @Test func cutOffAtEveryByteItComesToTheSameLines() throws {
        let whole = try work()
        let lines = try whole.sortedLines()
        #expect(whole.progress.isFinished && lines.count == 4 + 3 + 3 * 1 && whole.robustPositions(4.0 / 255) == [3])
        let bytes = try ReadableFile.contents(of: ledger)
        for end in stride(from: 0, to: bytes.count, by: 37) {
            try Data(bytes[..<end]).write(to: URL(fileURLWithPath: ledger))
            let again = try work()
            #expect(try again.sortedLines() == lines && again.progress.isFinished, "cut at \(end)")
            #expect(
                try ReadableFile.contents(of: ledger).split(separator: UInt8(ascii: "\n")).sorted { $0.lexicographicallyPrecedes($1) }
                    == bytes.split(separator: UInt8(ascii: "\n")).sorted { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test func foreignLedgersAreRefused() throws {
        try work()
        let own = String(decoding: try ReadableFile.contents(of: ledger), as: UTF8.self)
        func refused(_ text: String, _ words: String...) throws {
            try text.write(toFile: ledger, atomically: true, encoding: .utf8)
            let failure = #expect(throws: Failure.self) { try work() }
            for word in words { #expect(failure?.message.contains(word) == true, "\(String(describing: failure))") }
            #expect(failure?.kind == .badData)
        }
        try refused(own.replacingOccurrences(of: #""model":"m""#, with: #""model":"other""#), "other", "m.safetensors")
        try refused(own.replacingOccurrences(of: #""data":"pixels""#, with: #""data":"birds""#), "birds", "pixels")
        try refused(own.replacingOccurrences(of: #""index":3,"#, with: #""index":9,"#), "image 9", "does not ask for")
        try refused(own.replacingOccurrences(of: #""attack":"apgd-ce""#, with: #""attack":"apgd""#), "apgd at radius")
        let lines = own.split(separator: "\n").map(String.init)
        try refused(lines.dropFirst().joined(separator: "\n") + "\n", "does not begin like a ledger")
        try refused((lines.prefix(2) + ["{}"] + lines.dropFirst(2)).joined(separator: "\n") + "\n", "line 3")
        let opposite = lines[5].replacingOccurrences(of: #""success":false"#, with: #""success":true"#)
        try refused(
            (lines + [opposite == lines[5] ? lines[5].replacingOccurrences(of: #""success":true"#, with: #""success":false"#) : opposite])
                .joined(separator: "\n") + "\n", "contradict")
        // The same line twice is no contradiction.
        try ((lines + [lines[5]]).joined(separator: "\n") + "\n").write(toFile: ledger, atomically: true, encoding: .utf8)
        #expect(try work().sums.phases.count == plan.phases.count)
    }

    @Test func keptImagesAreReadAgain() throws {
        let done = try work(keepsImages: true)
        let path = KeptImages.path(folder.path, "all", epsilon: 4.0 / 255)
        #expect(path.hasSuffix("images/all-4_255.npy") && done.description.keepsImages)
        // Header, then an image each: the two that fell are moved, the others as they are.
        let bytes = try ReadableFile.contents(of: path)
        let found = (0..<4).map { i in bytes[(bytes.count - 16 + 4 * i)...].prefix(4).withUnsafeBytes { $0.loadUnaligned(as: Float.self) } }
        #expect(found[0] == 90.0 / 255 && found[3] == 140.0 / 255)
        for i in [1, 2] { #expect(found[i] < Float(thresholdOfLine) && found[i] >= Float(values[i]) / 255 - 4.0 / 255 - 1e-6) }
        // One that is no adversarial image any more.
        var changed = bytes
        withUnsafeBytes(of: Float(101.0 / 255)) { changed.replaceSubrange(bytes.count - 12..<bytes.count - 8, with: $0) }
        try Data(changed).write(to: URL(fileURLWithPath: path))
        let failure = #expect(throws: Failure.self) { try work(keepsImages: true) }
        #expect(failure?.message.contains("image 1 is not misclassified") == true)
        withUnsafeBytes(of: Float(0.1)) { changed.replaceSubrange(bytes.count - 12..<bytes.count - 8, with: $0) }
        try Data(changed).write(to: URL(fileURLWithPath: path))
        #expect(#expect(throws: Failure.self) { try work(keepsImages: true) }?.message.contains("not admissible") == true)
    }

    /// An earlier model's images are tried on a new one, and the two are compared.
    @Test func releasesAreCompared() throws {
        let corpus = try TemporaryFolder()
        try work(keepsImages: true)
        try FileManager.default.copyItem(atPath: folder.path, toPath: corpus.path + "/v1")
        let data = description(plan, count: 4).data
        let earlier = try Corpus([corpus.path], data: data, norm: .linf, leavingOut: nil)
        #expect(earlier.members.map(\.name) == ["v1"] && earlier.members[0].model == "m" && earlier.members[0].images.count == 1)
        // A boundary that lies 4 lower, and an attack of its own that gives up.
        let threat = ThreatModel(norm: .linf, epsilon: 4.0 / 255)
        var plan = EvaluationPlan()
        plan.add(epsilon: threat.epsilon, attacks: [("idle", Idle(threat: threat))])
        plan.add(.against, epsilon: threat.epsilon, attacks: earlier.attacks(threat))
        let model = OnePixelModel.line(threshold: 98.5 / 255)
        let evaluator = LedgerEvaluator(plan, model: model, dataset: try pixels(values, labels: [0, 0, 0, 0]), indices: Array(0..<4), seed: 0, corpus: earlier)
        var start = EvaluationProgress(plan, count: 4, norm: .linf)
        start.begin()
        let sink = MemorySink(plan)
        let (_, progress) = try evaluator.run(from: start, communicator: nil, sink: sink)
        // 101 fell to the earlier model's attacker at 97 or so, and falls again; 103 at 99 or so stands as it is, and falls to
        // none that stays within 4; 140 had nothing to be tried.
        #expect(sink.sortedLines.filter { $0.attack == "clean" }.map { $0.candidates?.values.first } == [0, 1, 1, 0])
        let tried = sink.sortedLines.filter { $0.attack == "against" }
        #expect(tried.map(\.index) == [1, 2] && tried.allSatisfy { $0.claim.forwardQueries == 1 })
        let result = EvaluationResult(description(plan, count: 4, epsilons: [4.0 / 255]), progress: progress, sums: sink.sums, indices: Array(0..<4))
        let row = try #require(result.chains.first { $0.kind == .against })
        #expect(row.leftOut == 2 && row.attacks.map(\.name) == ["against", "against-apgd-ce"])
        #expect(result.headline[0].weaknesses.map(\.foundBy) == ["against"] && result.headline[0].weaknesses[0].indices == [1])
        let comparison = earlier.comparisons(indices: Array(0..<4), robust: [4.0 / 255: progress.robustPositions(4.0 / 255)])
        #expect(comparison.count == 1 && comparison[0].compared == 4 && comparison[0].weaker == [] && comparison[0].stronger == [2])
        // Other data, no kept images, an unfinished evaluation.
        var birds = data
        birds.fingerprint = "birds"
        #expect(#expect(throws: Failure.self) { try Corpus([corpus.path], data: birds, norm: .linf, leavingOut: nil) }?.message.contains("birds") == true)
        #expect(throws: Failure.self) { try Corpus([corpus.path], data: data, norm: .l2, leavingOut: nil) }
        #expect(throws: Failure.self) { try Corpus([corpus.path], data: data, norm: .linf, leavingOut: corpus.path + "/v1") }
        try FileManager.default.removeItem(atPath: corpus.path + "/v1/" + EvaluationFolder.ledger)
        #expect(#expect(throws: Failure.self) { try Corpus([corpus.path], data: data, norm: .linf, leavingOut: nil) }?.message.contains("not finished") == true)
    }

    @Test func listsOfIndices() throws {
        #expect(IndexList.text([0, 1, 2, 5, 7, 8]) == "0:3,5,7:9" && IndexList.text([]) == "")
        func indices(_ text: String) throws -> [Int] { try IndexList.indices(text, source: "--images", count: 10, kind: .usage) }
        #expect(try indices("0:3,5,7:9") == [0, 1, 2, 5, 7, 8] && indices(" 9\n3\n") == [3, 9])
        for (text, word) in [
            ("8:11", "outside"), ("10", "0 to 9"), ("-1", "outside"), ("3:3", "no range"), ("x", "no index"), ("1:2:3", "no index"), ("", "no image"), ("1,0:2", "twice"),
            ("9223372036854775807", "no index"),
        ] {
            let failure = #expect(throws: Failure.self) { try indices(text) }
            #expect(failure?.message.contains(word) == true && failure?.kind == .usage, "\(text): \(String(describing: failure))")
        }
    }
}
