import Diagnostics
import Foundation
import Pilot
import Testing

/// Files that others gave.
@Suite struct ShareTests {
    private static let share = "{\"count\": 50, \"accuracy\": 0.5, \"low\": 0.4, \"high\": 0.6, \"lowest\": 0.5, \"highest\": 0.5}"
    private static let text = """
        {"format": 1, "kind": "sipat-pilot-shared", "program": "0.1.0", "shape": [16, 16, 3], "classes": 2, "trained": 100, "tested": 50, "seeds": 3, "network": "cnn",
        "parameters": 1000, "epochs": 2, "steps": 20, "attack": "pgd", "epsilon": 8, "decision": 4, "smallestDifference": 2, "words": {"review": 40, "own": 60}, "coverage": 0.25,
        "methods": [{"method": "sip-at", "epsilon": 8, "radii": [{"epsilon": 0, "accuracy": \(share), "bySeed": [0.5]}, {"epsilon": 4, "accuracy": \(share), "bySeed": [0.5]}],
        "regions": [], "faults": [], "verdict": "trusted"}],
        "comparisons": [{"difference": {"first": "sip-at", "second": "at-half", "epsilon": 4, "count": 50, "level": 0.95, "difference": 0.1, "low": 0.05, "high": 0.15,
        "seeds": [{"seed": 0, "onlyFirst": 5, "onlySecond": 0, "pValue": 0.06}]}, "verdict": "better"}],
        "outcome": "cannot-tell", "reasons": [], "rival": "at-half",
        "settings": {"steps": 20, "restarts": 1, "radii": [4], "regions": ["all"], "innerAttack": "pgd", "innerNorm": "linf", "innerSteps": 2, "objective": "cross-entropy",
        "learningRate": 0.1, "batch": 32, "recipe": "aa", "data": "bb", "maps": "cc", "criteriaChanged": false}}
        """

    private func pilot(_ text: String) throws -> SharedPilot {
        let folder = try TemporaryFolder()
        try text.write(toFile: folder.path + "/share.json", atomically: true, encoding: .utf8)
        return try SharedPilot(contentsOf: folder.path + "/share.json")
    }

    private func changed(_ from: String, _ to: String) throws -> SharedPilot {
        #expect(Self.text.contains(from))
        return try pilot(Self.text.replacing(from, with: to))
    }

    @Test(arguments: [
        ("\"steps\": 20, \"restarts\"", "\"steps\": 1, \"restarts\"", "steps, restarts of PGD"), ("\"innerSteps\": 2", "\"innerSteps\": 1", "attack in training"),
        ("\"learningRate\": 0.1", "\"learningRate\": 0.2", "learning rate, batch"), ("\"data\": \"bb\"", "\"data\": \"b\"", "data (hash)"), ("\"maps\": \"cc\"", "\"maps\": \"c\"", "maps (hash)"),
        ("\"recipe\": \"aa\"", "\"recipe\": \"a\"", "recipe (hash, without paths)"), ("\"coverage\": 0.25", "\"coverage\": 0.3", "protected, mean"),
        ("\"review\": 40", "\"estimator\": 40", "whose word the maps are"), ("\"criteriaChanged\": false", "\"criteriaChanged\": true", "criteria changed after the first start"),
        ("\"trusted\"", "\"invalid\"", "self-checks"), ("\"epochs\": 2", "\"epochs\": 3", "epochs, steps per model, seeds"), ("\"radii\": [4]", "\"radii\": [4, 8]", "radii"),
    ])
    func whatDiffersIsNamed(_ from: String, _ to: String, _ name: String) throws {
        let (usual, other) = (try pilot(Self.text), try changed(from, to))
        let table = PilotTable([(name: "a", pilot: usual), (name: "b", pilot: other)])
        #expect(table.differences == [name] && table.text.contains("They differ in: \(name). Accuracies"), "\(table.text)")
    }

    @Test func nothingDiffersBetweenEquals() throws {
        let usual = try pilot(Self.text)
        let table = PilotTable([(name: "a", pilot: usual), (name: "b", pilot: usual)])
        #expect(table.text.contains("Nothing that is known of them differs, images and maps included.") && table.text.contains("10.0 (5.0 to 15.0) beside at-half"), "\(table.text)")
        // A file of a version that did not tell.
        var old = usual
        old.settings = nil
        #expect(PilotTable([(name: "a", pilot: old), (name: "b", pilot: old)]).text.contains("not every file tells"))
        #expect(PilotTable([(name: "a", pilot: usual), (name: "b", pilot: old)]).text.contains("not told"))
    }

    @Test(arguments: [
        ("\"own\": 60", "\"x\\n| forged | 99 % |\": 60"), ("\"own\": 60", "\"\\u001b[31mown\": 60"), ("\"own\": 60", "\"alice\": 60"), ("\"accuracy\": 0.5,", "\"accuracy\": 1e300,"),
        ("\"coverage\": 0.25", "\"coverage\": -1"), ("\"difference\": 0.1", "\"difference\": 2"), ("\"rival\": \"at-half\"", "\"rival\": \"|\""), ("\"network\": \"cnn\"", "\"network\": \"c\\u009bn\""),
        ("\"trusted\"", "\"good\\n\""), ("\"objective\": \"cross-entropy\"", "\"objective\": \"a|b\""), ("\"decision\": 4", "\"decision\": 1e300"), ("\"classes\": 2", "\"classes\": -2"),
        ("\"method\": \"sip-at\"", "\"method\": \"sip-best\""),
    ])
    func whatMeansNothingIsRefused(_ from: String, _ to: String) throws {
        let failure = #expect(throws: Failure.self) { try changed(from, to) }
        #expect(failure?.kind == .badData, "\(String(describing: failure))")
    }

    @Test func filesOfOneNameAreToldApart() {
        #expect(PilotTable.heads(["here/share.json", "there/share.json", "x.json"]) == ["here/share.json", "there/share.json", "x.json"])
        #expect(PilotTable.heads(["/a/b/r.json", "/c/b/r.json"]) == ["a/b/r.json", "c/b/r.json"])
        #expect(PilotTable.heads(["a/r.json", "b/s.json"]) == ["r.json", "s.json"])
        #expect(PilotTable.heads(["r.json", "r.json"]) == ["r.json (1)", "r.json (2)"])
        #expect(PilotTable.heads(["a|b\u{1B}.json", "c.json"]) == ["a/b?.json", "c.json"])
    }
}
