import Diagnostics
import Evaluation
import Foundation
import Pilot
import TestSupport
import Testing

/// A folder that disappears with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sipat-pilot-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A pilot of seconds: small images, a small network, two epochs.
enum TinyPilot {
    static let settings = [
        "synthetic.size=16", "synthetic.classes=3", "synthetic.train=150", "synthetic.test=60", "model.name=cnn", "model.width=4", "data.batch=32", "data.microBatch=8",
        "epochs=2", "attack.steps=2", "validation.steps=2", "validation.batch=16",
    ]

    static func sipat(_ arguments: [String], ranks: Int = 1, timeout: Double = 120) throws -> ProgramRun {
        if ranks == 1 { return try ProgramRun.of(builtProgram("sipat"), arguments, timeout: timeout) }
        return try ProgramRun.mpirun(ranks: ranks, builtProgram("sipat"), arguments, timeout: timeout)
    }

    static func planArguments(_ folder: String, data: String = "synthetic", _ more: [String] = [], settings: [String] = settings) -> [String] {
        ["pilot", "plan", "--data", data, "--budget", "10m", "--output", folder, "--attack", "pgd"] + settings.flatMap { ["--set", $0] } + more
    }

    static let few = ["--methods", "at-half,sip-at", "--controls", "sip-shuffled", "--seeds", "2", "--radii", "4,8"]

    static func contents(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}

@Suite("A pilot, from plan to report", .serialized)
struct PilotRunTests {
    /// How often the pilot is killed, if it lasts: ten times with SIPAT_PILOT_KILLS=10.
    private static let kills = ProcessInfo.processInfo.environment["SIPAT_PILOT_KILLS"].flatMap { Int($0) } ?? 5

    @Test func interruptedOnOtherRanksItEndsInTheSameReport() throws {
        let folder = try TemporaryFolder()
        let (whole, parts) = (folder.path + "/whole", folder.path + "/parts")
        for (pilot, ranks) in [(whole, 1), (parts, 2)] {
            let planned = try TinyPilot.sipat(TinyPilot.planArguments(pilot, TinyPilot.few), ranks: ranks)
            #expect(planned.status == 0 && planned.output.contains("3 models") == false && planned.output.contains("6 models"), "\(planned)")
        }
        let run = try TinyPilot.sipat(["pilot", "run", whole])
        #expect(run.status == 0, "\(run)")
        // Killed again and again, each time on another number of ranks, and each time a share of the way from where it stood.
        let files = filesUnder(whole)
        var kills = 0
        for attempt in 0..<Self.kills {
            let ranks = [2, 3, 1, 4, 2][attempt % 5]
            let standing = filesUnder(parts)
            let program = """
                mpirun -n \(ranks) --oversubscribe '\(try builtProgram("sipat"))' pilot run '\(parts)' > /dev/null 2>&1 &
                job=$!
                while kill -0 $job 2> /dev/null && [ $(find '\(parts)' -type f | wc -l) -lt \(standing + max(1, (files - standing) / (Self.kills - attempt + 1))) ]; do sleep 0.02; done
                kill -KILL $job 2> /dev/null
                wait $job
                code=$?
                sleep 0.3
                exit $code
                """
            let killed = try ProgramRun.of("bash", ["-c", program], environment: ProgramRun.launchEnvironment, timeout: 60)
            if killed.status == 137 { kills += 1 }
        }
        #expect(kills >= 3)
        print("\(kills) pilots killed")
        // Ranks end a moment after the mpirun that was killed.
        var last = try TinyPilot.sipat(["pilot", "run", parts], ranks: 3)
        for _ in 0..<20 where last.errors.contains("in use by another job") {
            Thread.sleep(forTimeInterval: 0.5)
            last = try TinyPilot.sipat(["pilot", "run", parts], ranks: 3)
        }
        #expect(last.status == 0, "\(last)")
        for pilot in [whole, parts] {
            let report = try TinyPilot.sipat(["pilot", "report", pilot])
            #expect(report.status == 0 && report.output.contains("This pilot cannot tell."), "\(report)")
        }
        let numbers = TinyPilot.contents(whole + "/report.json")
        #expect(!numbers.isEmpty && numbers == TinyPilot.contents(parts + "/report.json"))
        // Pictures are of the decision's radius.
        let pictures = try #require(try readJSON(PilotPictures.self, whole + "/pictures.json")).models
        #expect(pictures.count == 2 && pictures.flatMap(\.pictures).allSatisfy { $0.epsilon == Float(4.0 / 255) })
        // Nothing of time, host or path in it.
        #expect(!numbers.contains(folder.path) && !numbers.contains("seconds"))
        try everyQuestionHasItsJapanese(whole)
        try theAdaptiveAttackerIsJudgedByAnInterval(whole)
        // What is finished is not done again.
        let before = TinyPilot.contents(parts + "/cost.json")
        #expect(try TinyPilot.sipat(["pilot", "run", parts]).status == 0)
        #expect(TinyPilot.contents(parts + "/cost.json") == before)
        try numbersAreThoseOfEvaluate(whole, folder.path)
        try othersMayCompare(whole, folder.path)
        try aChangedPlanIsRefused(whole)
    }

    private func filesUnder(_ folder: String) -> Int {
        (try? FileManager.default.subpathsOfDirectory(atPath: folder))?.filter { (try? FileManager.default.attributesOfItem(atPath: folder + "/" + $0)[.type]) as? FileAttributeType == .typeRegular }.count ?? 0
    }

    /// The command that the report names makes the same result, byte for byte.
    private func numbersAreThoseOfEvaluate(_ pilot: String, _ scratch: String) throws {
        let report = try #require(try readJSON(PilotReport.self, pilot + "/report.json"))
        let trace = try #require(report.traces.first { $0.method == "sip-at" && $0.seed == 1 })
        let output = scratch + "/evaluated"
        let arguments = trace.command.split(separator: " ").dropFirst().map(String.init) + ["--output", output]
        let run = try ProgramRun.mpirun(ranks: 2, builtProgram("sipat"), arguments, directory: URL(fileURLWithPath: pilot), timeout: 120)
        #expect(run.status == 0, "\(run)")
        let (mine, theirs) = try (
            #require(try readJSON(EvaluationResult.self, pilot + "/parts/sip-at-1/evaluation/result.json")),
            #require(try readJSON(EvaluationResult.self, output + "/result.json"))
        )
        #expect(mine.headline == theirs.headline && mine.clean == theirs.clean && mine.chains == theirs.chains)
        #expect(mine.description.hash == theirs.description.hash && trace.evaluation == theirs.description.hash)
        // And the report's accuracies are that result's.
        let method = try #require(report.method(.sipAT))
        #expect(method.radii[0].bySeed[1] == theirs.clean.accuracy)
        #expect(method.radii.dropFirst().map { $0.bySeed[1] } == theirs.headline.map(\.robust.accuracy))
    }

    private func everyQuestionHasItsJapanese(_ pilot: String) throws {
        let report = try #require(try readJSON(PilotReport.self, pilot + "/report.json"))
        let checks = report.methods.flatMap { $0.checks?.checks ?? [] }
        #expect(checks.count >= 40)
        for check in checks { #expect(PilotWords(.japanese).check(check) != check.title, "\(check.name)") }
    }

    private func theAdaptiveAttackerIsJudgedByAnInterval(_ pilot: String) throws {
        let builder = try PilotReportBuilder(pilot)
        var report = try builder.report()
        let material = try builder.pictures().material
        let place = try #require(report.methods.firstIndex { $0.method == "sip-at" })
        let found = try #require(report.methods[place].adaptive)
        // As many images as the attackers of a part were given, and what those of the whole result say.
        let regions = report.methods[place].regions.filter { $0.epsilon == 4 }
        let (salient, random) = (try #require(regions.first { $0.region == "salient" }), try #require(regions.first { $0.region == "random" }))
        #expect(found.count == salient.accuracy.count && abs(found.difference - (random.accuracy.accuracy - salient.accuracy.accuracy)) < 1e-9)
        func page(_ low: Double) -> String {
            report.methods[place].adaptive?.low = low
            return PilotPage(report: report, cost: nil, material: material, pictures: PilotPictures(), language: .english).document
        }
        #expect(page(0.001).contains("is the easier target") && page(-0.001).contains("was not shown to be an easier target"))
    }

    private func othersMayCompare(_ pilot: String, _ scratch: String) throws {
        let file = scratch + "/share.json"
        let export = try TinyPilot.sipat(["pilot", "export", pilot, "--share", "--output", file])
        #expect(export.status == 0, "\(export)")
        let text = TinyPilot.contents(file)
        let report = try #require(try readJSON(PilotReport.self, pilot + "/report.json"))
        #expect(report.material.classNames.allSatisfy { !text.contains("\"\($0)\"") } && !text.contains("data:image") && !text.contains(scratch) && !text.contains("parts/"))
        let compared = try TinyPilot.sipat(["pilot", "compare", file, pilot + "/report.json"])
        #expect(compared.status == 0 && compared.output.contains("| sip-at, clean |") && compared.output.contains("cannot-tell | cannot-tell"), "\(compared)")
        #expect(compared.output.contains("Nothing that is known of them differs"), "\(compared)")
        try othersDiffer(file, text, scratch)
        #expect(try TinyPilot.sipat(["pilot", "compare", file]).status == 64)
        #expect(try TinyPilot.sipat(["pilot", "compare", file, pilot + "/cost.json"]).status == 65)
    }

    /// Of pilots that were made otherwise it is said in what; what means nothing is refused.
    private func othersDiffer(_ file: String, _ text: String, _ scratch: String) throws {
        let other = scratch + "/other.json"
        func compare(_ from: String, _ to: String) throws -> ProgramRun {
            #expect(text.contains(from))
            try text.replacing(from, with: to).write(toFile: other, atomically: true, encoding: .utf8)
            return try TinyPilot.sipat(["pilot", "compare", file, other])
        }
        let attack = try compare("\"attack\" : \"pgd\"", "\"attack\" : \"autoattack\"")
        #expect(attack.status == 0 && attack.output.contains("They differ in: attack. Accuracies of one"), "\(attack)")
        let decision = try compare("\"decision\" : 4", "\"decision\" : 8")
        #expect(decision.status == 0 && decision.output.contains("radius of training, of the decision"), "\(decision)")
        #expect(try compare("\"network\" : \"cnn\"", "\"network\" : \"a\\nb\"").status == 65)
        #expect(try compare("\"format\" : 1", "\"format\" : 2").status == 65)
        #expect(try compare("\"shape\" : [", "\"shape\" : [ 3,").status == 65)
    }

    private func editedResultsAreRefused(_ pilot: String) throws {
        let evaluation = pilot + "/parts/at-half-1/evaluation/"
        for file in [evaluation + "ledger.jsonl", evaluation + "result.json", evaluation + "measures.json", pilot + "/material.json", pilot + "/pictures.json"] {
            let right = TinyPilot.contents(file)
            // A blank line more, or of one image another loss.
            let edited = file.hasSuffix("l") ? right.replacing("\"loss\":", with: "\"loss\":1", maxReplacements: 1) : right + "\n"
            #expect(edited != right)
            try edited.write(toFile: file, atomically: true, encoding: .utf8)
            let run = try TinyPilot.sipat(["pilot", "report", pilot])
            #expect(run.status == 65 && run.errors.contains(file.suffix(20)), "\(file): \(run)")
            try right.write(toFile: file, atomically: true, encoding: .utf8)
        }
        // The order of a ledger's lines is that of the ranks, and means nothing.
        let file = evaluation + "ledger.jsonl"
        let right = TinyPilot.contents(file)
        var lines = right.split(separator: "\n", omittingEmptySubsequences: false)
        lines.swapAt(1, 2)
        try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let before = TinyPilot.contents(pilot + "/report.json")
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 0)
        #expect(before.contains("\"isSealed\" : true") && TinyPilot.contents(pilot + "/report.json") == before)
        try right.write(toFile: file, atomically: true, encoding: .utf8)
        // A version without these hashes ran it: a note says so.
        let ledger = pilot + "/ledger.json"
        let kept = TinyPilot.contents(ledger)
        let old = kept.replacingOccurrences(of: #""files" : \{[^}]*\},\s*"#, with: "", options: .regularExpression)
        #expect(old != kept)
        try old.write(toFile: ledger, atomically: true, encoding: .utf8)
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 0)
        #expect(TinyPilot.contents(pilot + "/report.html").contains("kept no hashes of results"))
        try kept.write(toFile: ledger, atomically: true, encoding: .utf8)
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 0)
        #expect(!TinyPilot.contents(pilot + "/report.html").contains("kept no hashes of results"))
    }

    private func aChangedPlanIsRefused(_ pilot: String) throws {
        let path = pilot + "/pilot.yaml"
        let text = TinyPilot.contents(path)
        try text.replacing("steps: 20", with: "steps: 21").write(toFile: path, atomically: true, encoding: .utf8)
        let run = try TinyPilot.sipat(["pilot", "run", pilot])
        #expect(run.status == 64 && run.errors.contains("was changed after \"evaluation"), "\(run)")
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 65)
        #expect(TinyPilot.contents(pilot + "/report.html").contains("The rule and its criteria were fixed before the run.") && !TinyPilot.contents(pilot + "/report.html").contains("at the first start"))
        // What was trained cannot be left out of the report.
        for (from, to, expected) in [
            ("methods: [at-half, sip-at]", "methods: [sip-at]", "methods at-half"), ("seeds: [0, 1]", "seeds: [0]", "seeds 1"),
            ("controls: [sip-shuffled]", "controls: []", "\"training sip-shuffled 0\", which is done"), ("seeds: [0, 1]", "seeds: [1, 0]", "seeds 0 in the first place"),
        ] {
            #expect(text.contains(from), "\(from)")
            try text.replacing(from, with: to).write(toFile: path, atomically: true, encoding: .utf8)
            for (command, status) in [("run", 64), ("report", 65)] as [(String, Int32)] {
                let refused = try TinyPilot.sipat(["pilot", command, pilot])
                #expect(refused.status == status && refused.errors.contains(expected) && refused.errors.contains("put it back"), "\(refused)")
            }
        }
        // Nor can the self-checks.
        let checks = pilot + "/parts/sip-at-0/evaluation/checks.json"
        let made = TinyPilot.contents(checks)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.removeItem(atPath: checks)
        let unchecked = try TinyPilot.sipat(["pilot", "report", pilot])
        #expect(unchecked.status == 65 && unchecked.errors.contains("sip-at-0/evaluation/checks.json is missing"), "\(unchecked)")
        try made.write(toFile: checks, atomically: true, encoding: .utf8)
        try editedResultsAreRefused(pilot)
        // A page does not overwrite what the pilot consists of.
        for name in ["pilot.yaml", "ledger.json", "report.json", "parts/sip-at-0/evaluation/result.json"] {
            let before = TinyPilot.contents(pilot + "/" + name)
            let run = try TinyPilot.sipat(["pilot", "report", pilot, "--output", pilot + "/" + name])
            #expect(run.status == 64 && run.errors.contains("--output") && TinyPilot.contents(pilot + "/" + name) == before, "\(run)")
        }
        let page = try TinyPilot.sipat(["pilot", "report", pilot, "--output", pilot + "/report-en.html"])
        #expect(page.status == 0 && TinyPilot.contents(pilot + "/report-en.html").hasPrefix("<!"), "\(page)")
        // Criteria may be changed, and the report says so.
        try text.replacing("cleanAtLeast: 0", with: "cleanAtLeast: 5").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 0)
        // In sections 1 and 2, with what it was and is, and nothing is said to have been fixed.
        let told = TinyPilot.contents(pilot + "/report.html")
        #expect(told.components(separatedBy: "were changed after the pilot was first started").count == 3 && !told.contains("were fixed before the"))
        #expect(told.contains("at the first start") && told.contains("smallest difference that matters") && told.contains(">0.0 %<"))
        // With units; and shares where percentages are asked for are asked back.
        #expect(TinyPilot.contents(pilot + "/report.html").contains(">5.0 %<"))
        try text.replacing("cleanAtLeast: 0", with: "cleanAtLeast: 0.7").write(toFile: path, atomically: true, encoding: .utf8)
        let asked = try TinyPilot.sipat(["pilot", "report", pilot])
        #expect(asked.status == 0 && (asked.output + asked.errors).contains("acceptance.cleanAtLeast is 0.7, which is 0.7 %: meant 70?"), "\(asked)")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.removeItem(atPath: pilot + "/ledger.json")
        #expect(try TinyPilot.sipat(["pilot", "report", pilot]).status == 65)
    }
}
