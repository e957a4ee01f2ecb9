import Attacks
import Evaluation
import Diagnostics
import Foundation
import Testing

@Suite struct ExportTests {
    private let evaluation: KnownEvaluation

    init() throws { evaluation = try KnownEvaluation(keepsImages: true) }

    private func export(_ format: EvaluationExport.Format, epsilon: Float? = nil) throws -> [String] {
        try EvaluationExport.write(format, of: evaluation.folder.path, to: nil, epsilon: epsilon, time: 1_700_000_000)
    }

    private func text(_ path: String) throws -> String { String(decoding: try ReadableFile.contents(of: path), as: UTF8.self) }

    @Test func robustBench() throws {
        let evaluation = try KnownEvaluation(KnownModel(classes: 10), count: 12)
        func export(epsilon: Float?) throws -> String {
            try EvaluationExport.write(.robustbench, of: evaluation.folder.path, to: nil, epsilon: epsilon, time: 0)[0]
        }
        let failure = #expect(throws: Failure.self) { try export(epsilon: nil) }
        #expect(failure?.message.contains("takes one") == true)
        #expect(throws: Failure.self) { try export(epsilon: 0.3) }
        let path = try export(epsilon: 8.0 / 255)
        let entry = try #require(try JSONSerialization.jsonObject(with: Data(ReadableFile.contents(of: path))) as? [String: Any])
        let robust = try evaluation.distances().count { $0 > Double(Float(8.0 / 255)) }
        #expect(entry["eps"] as? String == "8/255" && entry["clean_acc"] as? String == "100.00")
        #expect(entry["autoattack_acc"] as? String == decimal(100 * Double(robust) / 12, 2))
        // In RobustBench's order.
        let keys = try text(path).matches(of: #/"([a-z_]+)": /#).map { String($0.output.1) }
        #expect(
            keys == [
                "link", "name", "authors", "additional_data", "number_forward_passes", "dataset", "venue", "architecture", "eps", "clean_acc",
                "reported", "autoattack_acc", "footnote",
            ])
        // Three classes have no nine targets.
        let refusal = #expect(throws: Failure.self) {
            try EvaluationExport.write(.robustbench, of: self.evaluation.folder.path, to: nil, epsilon: 8.0 / 255, time: 0)
        }
        #expect(refusal?.message.contains("AutoAttack as published") == true && refusal?.message.contains("2 targets") == true)
    }

    @Test func jsonLines() throws {
        let lines = try text(export(.jsonl)[0]).split(separator: "\n")
        #expect(lines.count == 25)
        let objects = try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
        #expect((objects[0]["evaluation"] as? [String: Any])?["attack"] as? String == "autoattack")
        let distances = try evaluation.distances()
        for (i, object) in objects.dropFirst().enumerated() {
            #expect(object["index"] as? Int == i)
            #expect((object["robust"] as? [String: Bool])?["4/255"] == (distances[i] > Double(Float(4.0 / 255))))
            let attacks = try #require(object["attacks"] as? [[String: Any]])
            #expect(attacks.contains { $0["fooled"] as? Bool == true } == (distances[i] <= Double(Float(8.0 / 255))))
        }
    }

    @Test func commaSeparatedValues() throws {
        let rows = try text(export(.csv)[0]).split(separator: "\n")
        #expect(rows.count == 1 + (try evaluation.view().ledger.sortedLines().count))
        #expect(rows[0].hasPrefix("index,label,class,attack,epsilon,region,fooled"))
        // A name with quotes is quoted, one that a spreadsheet would compute is not computed.
        #expect(rows.contains { $0.contains(",\"a \"\"b\"\" & c\",clean,0.0,all,false,") } && rows.contains { $0.contains(",'=1+1,clean,") })
        let columns = rows[0].split(separator: ",").count
        #expect(rows.filter { !$0.contains("\"") }.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == columns })
    }

    @Test func arrays() throws {
        let paths = try export(.npy)
        #expect(
            paths.map { ($0 as NSString).lastPathComponent } == [
                "indices.npy", "labels.npy", "clean-predictions.npy", "predictions-4_255.npy", "robust-4_255.npy", "adversarial-4_255.npy",
                "predictions-8_255.npy", "robust-8_255.npy", "adversarial-8_255.npy",
            ])
        let robust = try ReadableFile.contents(of: paths[7])
        #expect(String(decoding: robust[10..<70], as: UTF8.self).hasPrefix("{'descr': '|b1', 'fortran_order': False, 'shape': (24,), }"))
        #expect((robust.count - 24) % 64 == 0)
        #expect(robust.suffix(24).map { $0 == 1 } == (try evaluation.distances().map { $0 > Double(Float(8.0 / 255)) }))
        // Each image, moved by no more than its radius.
        let images = try ReadableFile.contents(of: paths[8])
        #expect(String(decoding: images[10..<90], as: UTF8.self).contains("(24, 1, 4, 4,)"))
        let values = images.suffix(4 * 16 * 24).withUnsafeBytes { bytes in (0..<16 * 24).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) } }
        var clean = [Float](repeating: 0, count: 16)
        for i in 0..<24 {
            try evaluation.data.read(i, values: &clean)
            let largest = (0..<16).map { abs(values[16 * i + $0] - clean[$0]) }.max()!
            #expect(largest <= 8.0 / 255 + 1e-6 && (largest > 0) == (robust[robust.count - 24 + i] == 0))
        }
    }
}
