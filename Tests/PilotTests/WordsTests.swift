import Foundation
import Pilot
import Testing

@Suite struct WordsTests {
    private func places(_ text: String) -> [String] {
        text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { $0.split(separator: "}").first.map(String.init) }.sorted()
    }

    @Test(arguments: Phrase.allCases) func bothLanguagesSayTheSame(_ phrase: Phrase) {
        #expect(!phrase.english.isEmpty && !phrase.japanese.isEmpty)
        #expect(Set(places(phrase.english)) == Set(places(phrase.japanese)), "\(phrase)")
        #expect(phrase.english.unicodeScalars.allSatisfy { $0.value < 0x3000 }, "\(phrase)")
        // No sentence was left in English; names and signs are the same.
        let isJapanese = phrase.japanese.unicodeScalars.contains { (0x3040...0x30FF).contains($0.value) || (0x4E00...0x9FFF).contains($0.value) }
        #expect(isJapanese || phrase.english.count < 20, "\(phrase): \(phrase.japanese)")
        #expect(phrase.japanese.split(separator: ". ").dropFirst().isEmpty || phrase.japanese.contains("Art.") || "\(phrase)".hasPrefix("section"), "\(phrase)")
    }

    /// One word for one thing, and no blanks between Japanese and what stands in it.
    @Test(arguments: Phrase.allCases) func japaneseIsWrittenInOneWay(_ phrase: Phrase) {
        let text = phrase.japanese
        for word in ["頑健", "堅牢", "プロセッサの", "パラメータ数", "フォルダの", "ブラウザで", "貴社", "95 %", "|"] { #expect(!text.contains(word), "\(phrase): \(word)") }
        // The other word is explained once, where salience has its section.
        #expect(!text.contains("顕著") || "\(phrase)" == "section5", "\(phrase)")
        func isJapanese(_ scalar: Unicode.Scalar) -> Bool { (0x3001...0x30FF).contains(scalar.value) || (0x4E00...0x9FFF).contains(scalar.value) || (0xFF01...0xFF5E).contains(scalar.value) }
        let scalars = Array(text.unicodeScalars)
        guard !"\(phrase)".hasPrefix("section"), !text.contains("--"), scalars.count > 2 else { return }
        for place in 1..<(scalars.count - 1) where scalars[place] == " " {
            // Arrows, signs and commands stand apart.
            let around = [scalars[place - 1], scalars[place + 1]]
            #expect(!around.contains(where: isJapanese) || !around.allSatisfy { isJapanese($0) || $0.properties.isAlphabetic || "{}0123456789".unicodeScalars.contains($0) }, "\(phrase): \(text)")
        }
        // Punctuation of its own width.
        for place in 1..<scalars.count where isJapanese(scalars[place - 1]) { #expect(!",.:;()!?".unicodeScalars.contains(scalars[place]), "\(phrase): \(text)") }
    }

    @Test func sourcesOfMaps() {
        let summary = "import png (labels all), from imgs/mask, 2026-11-30T19:08:02Z, by sipat 0.1.0"
        #expect(PilotWords(.english).source(summary, kind: "import") == "png (labels all), from imgs/mask, 30 November 2026, sipat 0.1.0")
        #expect(PilotWords(.japanese).source(summary, kind: "import") == "png (labels all)、元データ：imgs/mask、2026年11月30日、sipat 0.1.0")
        #expect(PilotWords(.japanese).source("synthetic", kind: "own") == "synthetic")
    }

    @Test func numbersAndDates() {
        let (english, japanese) = (PilotWords(.english), PilotWords(.japanese))
        #expect(english.percent(0.9583) == "95.8 %" && japanese.percent(0.9583) == "95.8%")
        #expect(english.count(1_234_567) == "1,234,567" && english.count(12) == "12" && english.count(-1000) == "−1,000")
        #expect(english.number(-1234.56, 1) == "−1,234.6" && english.number(-0.04, 1) == "0.0")
        #expect(english.signed(0.123) == "+12.3" && english.signed(-0.05) == "−5.0" && english.signed(0) == "0.0")
        #expect(english.date("2026-11-09") == "9 November 2026" && japanese.date("2026-11-09") == "2026年11月9日")
        #expect(english(.points, "{0}") == "{0} points")
        #expect(english(.range, "1", "2") == "1–2" && japanese(.range, "1", "2") == "1～2")
    }
}
