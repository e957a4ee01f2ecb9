import Diagnostics

extension StudyResults {
    /// For a terminal.
    package func text(_ language: PageLanguage) -> String {
        let words = StudyWords(language)
        var lines = [words.counts(self)]
        guard answers > 0 else { return (lines + [words.nobody]).joined(separator: "\n") }
        lines.append("")
        lines += table([words.method, "ε", words.right, words.interval, "d′", words.interval, words.seconds], pooled.map(words.row))
        if !differences.isEmpty {
            lines += ["", words.differences]
            lines += table(["ε", "", words.difference, words.interval], differences.map(words.row))
        }
        lines += ["", words.people]
        lines += table([words.person, words.answered, words.catches, words.left, words.seconds, words.right], people.map(words.row))
        lines += ["", words.rounding]
        lines += table([words.method, "ε", words.largest, words.changed, words.wrong], conditions.map(words.row))
        lines += [""] + words.cautions(self) + notes.map { words.note($0) } + ["head \(head)"]
        return lines.joined(separator: "\n")
    }

    /// Columns under each other. Japanese characters are two columns wide.
    private func table(_ heading: [String], _ rows: [[String]]) -> [String] {
        func width(_ text: String) -> Int {
            text.unicodeScalars.reduce(0) { sum, scalar in
                let isWide = (0x2E80...0xFF60).contains(scalar.value)
                // The prime of d′ and such take one column; marks on letters none.
                let isMark = scalar.properties.generalCategory == .nonspacingMark
                return sum + (isWide ? 2 : isMark ? 0 : 1)
            }
        }
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { width($0[column]) }.max() ?? 0 }
        return all.map { row in
            let cells = row.enumerated().map { column, text in
                let room = String(repeating: " ", count: widths[column] - width(text))
                return column == 0 ? text + room : room + text
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
