import Foundation
import Pilot
import TestSupport
import Testing

/// The report in chromium, by Browser/report_in_browser.py.
@Suite(.serialized) struct PilotPageTests {
    private static var python: String? {
        let given = ProcessInfo.processInfo.environment["SIPAT_PYTHON"] ?? "python3"
        return (try? ProgramRun.of(given, ["-c", "import selenium"]))?.status == 0 ? given : nil
    }

    private static var hasBrowser: Bool {
        python != nil && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromedriver") && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")
    }

    /// A pilot with every method, control, region, check, kind of price.
    @Test(.enabled(if: hasBrowser, "needs chromium, chromium-driver and selenium (for the Python in SIPAT_PYTHON)"))
    func inBothLanguages() throws {
        let folder = try TemporaryFolder()
        let pilot = folder.path + "/pilot"
        let planned = try TinyPilot.sipat(
            TinyPilot.planArguments(pilot, ["--seeds", "1", "--question", "Is <b>it</b> \"worth\" it & why?", "--licence", "ours"]), ranks: 2)
        #expect(planned.status == 0, "\(planned)")
        let path = pilot + "/pilot.yaml"
        try TinyPilot.contents(path).replacing("perCoreHour: 0", with: "perCoreHour: 0.05").replacing("personHours: 0", with: "personHours: 3.5")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let run = try TinyPilot.sipat(["pilot", "run", pilot], ranks: 2)
        #expect(run.status == 0, "\(run)")
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Browser/report_in_browser.py").path
        let screenshots = ProcessInfo.processInfo.environment["SIPAT_SCREENSHOTS"] ?? folder.path + "/screenshots"
        for language in PilotLanguage.allCases {
            let page = folder.path + "/\(language.rawValue).html"
            let report = try TinyPilot.sipat(["pilot", "report", pilot, "--language", language.rawValue, "--output", page])
            #expect(report.status == 0, "\(report)")
            let browser = try ProgramRun.of(Self.python!, [script, page, language.rawValue, screenshots], timeout: 240)
            #expect(browser.status == 0 && browser.output.hasSuffix("done\n"), "\(browser)")
        }
        #expect(TinyPilot.contents(folder.path + "/en.html").contains("Is &lt;b&gt;it&lt;/b&gt;"))
    }
}
