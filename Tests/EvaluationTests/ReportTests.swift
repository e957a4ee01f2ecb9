import Attacks
import Datasets
import Diagnostics
import Evaluation
import Foundation
import Kernels
import Testing

@Suite struct ReportTests {
    private let evaluation: KnownEvaluation

    init() throws { evaluation = try KnownEvaluation(regions: [.salient, .random], keepsImages: true) }

    /// Every number follows from the distances.
    @Test func statisticsAreThoseOfTheClosedForm() throws {
        let statistics = try EvaluationStatistics(
            evaluation.view(), attributes: ["camera": (0..<24).map { $0 % 3 == 0 ? "A" : "B" }, "site": (0..<24).map { _ in "x" }])
        let distances = try evaluation.distances()
        #expect(statistics.radii.map(\.epsilon) == [0] + KnownEvaluation.radii)
        for radius in statistics.radii {
            let robust = distances.map { $0 > Double(radius.epsilon) }
            let count = robust.count { $0 }
            #expect(radius.accuracy.correct == count && radius.accuracy.count == 24)
            #expect(radius.accuracy.interval == .wilson(count, of: 24))
            #expect(radius.classes.rows.reduce(0) { $0 + $1.correct } == count && radius.classes.rows.map(\.name) == KnownEvaluation.names)
            // What stands lies on the diagonal, and nothing else does.
            let confusion = radius.confusion.counts
            #expect(confusion.indices.reduce(0) { $0 + confusion[$1][$1] } == count && confusion.joined().reduce(0, +) == 24)
            // A column that says the same of all images is none.
            #expect(radius.attributes.map(\.attribute) == ["camera"] && radius.attributes[0].rows.map(\.count) == [8, 16])
            #expect(radius.attributes[0].rows[0].correct == (0..<24).count { $0 % 3 == 0 && robust[$0] })
        }
        #expect(Set(statistics.radii.map(\.accuracy.correct)).count == 3)
        // Half of the pixels do not break more than all of them.
        for region in statistics.regions where region.region != .all {
            let whole = statistics.regions.first { $0.region == .all && $0.epsilon == region.epsilon }!
            #expect(region.accuracy.correct >= whole.accuracy.correct)
        }
        let ratio = try #require(statistics.ratios.last)
        #expect(ratio.count == 24 && ratio.brokenSalient > 0 && ratio.ratio == Double(ratio.brokenSalient) / Double(ratio.brokenRandom))
        #expect(try ratio.interval.map { try $0.low <= #require(ratio.ratio) } == true)
    }

    private func page(_ change: (inout EvaluationPage) throws -> Void = { _ in }) throws -> String {
        var page = EvaluationPage(
            result: try evaluation.result(), statistics: try EvaluationStatistics(evaluation.view(), attributes: ["<i>": (0..<24).map { "\($0 % 2)" }]),
            commands: ["sipat evaluate --weights 'a & b'"])
        try change(&page)
        return page.document
    }

    @Test func thePageIsWholeAndNeedsNothingElse() throws {
        let clean = (0..<16).map { Float($0) / 16 }
        let picture = try ReportPicture(
            index: 3, label: 0, cleanPrediction: 0, prediction: 1, attack: "apgd-ce", epsilon: 8.0 / 255, loss: 2, clean: clean,
            adversarial: clean.map { min(1, $0 + 8.0 / 255) }, protected: (0..<16).map { $0 % 4 < 2 }, shape: evaluation.data.imageShape)
        #expect(picture.factor == 15 && picture.outline == "M0 0H2M0 4H2M0 0V4M2 0V4")
        var settings = CheckSettings(norm: .linf, epsilon: 8.0 / 255)
        settings.count = 8
        let checks = try SelfChecks.alone(settings, model: evaluation.model, dataset: evaluation.data, indices: Array(0..<24))
        let html = try page {
            $0.pictures = [picture]
            $0.titles = [3: "part <7>.png"]
            $0.checks = checks
            $0.measures = Measures(
                norm: .linf, seed: 0, iterations: 100, top: [.init(k: 1, epsilon: 8.0 / 255, count: 24, clean: 20, robust: 10)],
                faults: [.init(corruption: Corruption(.noise, 0.05), count: 24, correct: 19)])
        }
        for id in ["results", "curve", "regions", "classes", "attributes", "confusion", "top", "faults", "hardest", "checks", "provenance"] {
            #expect(html.contains("<section id=\"\(id)\">"), "\(id)")
        }
        // Nothing from elsewhere, nothing that runs.
        for word in ["http:", "https:", "//", "<script", "url(", "@import", "javascript:", "onload"] {
            let rest = html.replacing(#/data:image/png;base64,[A-Za-z0-9+/=]*/#, with: "")
            #expect(!rest.contains(word), "\(word)")
        }
        #expect(html.contains("default-src 'none'") || html.contains("default-src &#39;none&#39;"))
        // Names are text.
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("a &quot;b&quot; &amp; c") && html.contains("part &lt;7&gt;.png"))
        #expect(html.contains("<h3>&lt;i&gt;</h3>") && html.contains("&lt;weights&gt;.safetensors") && html.contains("&#39;a &amp; b&#39;"))
        try requireBalanced(html)
    }

    @Test func withoutChecksThePageSaysSo() throws {
        #expect(try page().contains("was not checked"))
        let doubtful = SelfChecks(
            settings: CheckSettings(norm: .linf, epsilon: 0.1), indices: [0], right: 1,
            checks: [SelfCheck("a", "A <question>", figure: 1, bound: "0", status: .doubtful, note: "one")])
        let html = try page { $0.checks = doubtful }
        #expect(html.contains("Self-checks: doubtful") && html.contains("A &lt;question&gt;"))
    }

    /// Every element that is opened is closed, in order.
    private func requireBalanced(_ html: String) throws {
        var open: [Substring] = []
        for tag in html.matches(of: #/<(/?)([a-z0-9]+)[^>]*>/#) {
            let name = tag.output.2
            if ["meta", "img", "br", "hr"].contains(name) { continue }
            if tag.output.1 == "/" { #expect(open.popLast() == name) } else { open.append(name) }
        }
        #expect(open.isEmpty)
    }

    @Test func unfinishedEvaluationsAreTold() throws {
        let path = evaluation.folder.path + "/" + EvaluationFolder.ledger
        let bytes = try ReadableFile.contents(of: path)
        try Data(bytes[..<(bytes.count / 2)]).write(to: URL(fileURLWithPath: path))
        let failure = #expect(throws: Failure.self) { try evaluation.view() }
        #expect(failure?.message.contains("not finished") == true)
    }
}
