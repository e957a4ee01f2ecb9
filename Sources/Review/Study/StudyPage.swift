import Diagnostics

extension StudyResults {
    /// One HTML file, without scripts and without anything from elsewhere.
    package func page(_ language: PageLanguage) -> String {
        let words = StudyWords(language)
        func section(_ title: String, _ content: [HTML]) -> HTML { .tag("section", [:], [.tag("h2", [:], title)] + content) }
        func table(_ heading: [String], _ rows: [[String]]) -> HTML { .table(heading.map { .text($0) }, rows.map { $0.map { .text($0) } }) }
        func cells(_ cells: [Cell]) -> HTML {
            table([words.method, "ε", words.right, words.interval, "d′", words.interval, words.seconds], cells.map(words.row))
        }
        var body = [HTML.tag("h1", [:], words.title), .tag("p", ["class": "facts"], words.counts(self))]
        body += words.cautions(self).map { .tag("p", [:], $0) }
        if answers > 0 {
            body.append(section(words.chart, [StudyChart(cells: pooled, words: words).drawing, cells(pooled)]))
            if !differences.isEmpty { body.append(section(words.differences, [table(["ε", "", words.difference, words.interval], differences.map(words.row))])) }
            body.append(
                section(words.people, [table([words.person, words.answered, words.catches, words.left, words.seconds, words.right], people.map(words.row))]))
            body += people.map { section($0.name, [cells($0.cells)]) }
            if !failed.isEmpty { body.append(section(words.everybody, [cells(everybody)])) }
        } else {
            body.append(.tag("p", [:], words.nobody))
        }
        body.append(section(words.rounding, [table([words.method, "ε", words.largest, words.changed, words.wrong], conditions.map(words.row))]))
        let origins = methods.map { method in
            [method.name, method.network, method.region, "\(method.weights) (SHA-256 \(method.sha256))"]
        }
        body.append(
            section(
                words.provenance,
                [table([words.method, "", "", ""], origins)] + notes.map { .tag("p", [:], words.note($0)) } + [.tag("p", ["class": "facts"], "plan \(planHash), head \(head)")]))
        return HTML.document(title: words.title, style: Self.style, body: [.tag("main", [:], body)], language: language.rawValue)
    }

    private static let style: StaticString = """
        :root{--ink:#1c2330;--soft:#5a6474;--line:#d5dae2;--back:#fff}
        @media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#a2abba;--line:#3a4352;--back:#14181f}}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,"Noto Sans","Noto Sans CJK JP",sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line)}
        p{max-width:52rem;overflow-wrap:anywhere}.facts{color:var(--soft)}.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .65rem;text-align:right;border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--soft)}.name{text-align:left}
        .chart{width:100%;max-width:46rem;height:auto}.chart text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
        ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;color:var(--soft)}
        """
}

/// The share that was right over the radius, a line for each method, with intervals.
private struct StudyChart {
    let cells: [StudyResults.Cell]
    let words: StudyWords

    private static let colours = ["#1f6fc4", "#d0521b", "#1f9d4d", "#9333ea", "#0e8aa5", "#b3780a"]
    private static let dashes = ["", "7 4", "2 3", "9 3 2 3", "4 2", "1 3"]
    private static let (width, height, left, right, top, bottom) = (720.0, 320.0, 52.0, 24.0, 14.0, 40.0)

    private var farthest: Double { max(1e-9, Double(cells.map(\.epsilon).max() ?? 0)) }
    private func x(_ epsilon: Float) -> Double { Self.left + Double(epsilon) / farthest * (Self.width - Self.left - Self.right) }
    private func y(_ share: Double) -> Double { Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom) }
    private func n(_ value: Double) -> String { decimal(value, 1) }

    private func line(_ a: (Double, Double), _ b: (Double, Double), _ attributes: [String: String]) -> HTML {
        .tag("line", ["x1": n(a.0), "y1": n(a.1), "x2": n(b.0), "y2": n(b.1)].merging(attributes) { $1 })
    }

    private func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String) -> HTML { .tag("text", ["x": n(x), "y": n(y), "text-anchor": anchor], text) }

    var drawing: HTML {
        var parts: [HTML] = []
        let (from, to) = (Self.left, Self.width - Self.right)
        for tick in stride(from: 0, through: 100, by: 25) {
            let at = y(Double(tick) / 100)
            parts.append(line((from, at), (to, at), ["class": tick == 50 ? "axis" : "grid", "stroke-dasharray": tick == 50 ? "5 4" : ""]))
            parts.append(label("\(tick) %", from - 8, at + 4, "end"))
        }
        parts.append(label(words.guessing, to, y(0.5) - 5, "end"))
        for epsilon in Set(cells.map(\.epsilon)).sorted() { parts.append(label(radiusText(epsilon), x(epsilon), y(0) + 20, "middle")) }
        let methods = cells.reduce(into: [String]()) { if !$0.contains($1.method) { $0.append($1.method) } }
        for (place, method) in methods.enumerated() {
            let points = cells.filter { $0.method == method && $0.share != nil }.sorted { $0.epsilon < $1.epsilon }
            let stroke = ["stroke": Self.colours[place % 6], "stroke-width": "2"]
            // Beside each other where several methods have a point.
            func at(_ cell: StudyResults.Cell) -> Double { x(cell.epsilon) + (Double(place) - Double(methods.count - 1) / 2) * 6 }
            for (a, b) in zip(points, points.dropFirst()) {
                parts.append(line((at(a), y(a.share!.estimate)), (at(b), y(b.share!.estimate)), stroke.merging(["stroke-dasharray": Self.dashes[place % 6]]) { $1 }))
            }
            for cell in points {
                let (here, share) = (at(cell), cell.share!)
                parts.append(line((here, y(share.low)), (here, y(share.high)), stroke))
                for end in [share.low, share.high] { parts.append(line((here - 4, y(end)), (here + 4, y(end)), stroke)) }
                parts.append(.tag("circle", ["cx": n(here), "cy": n(y(share.estimate)), "r": "4", "fill": Self.colours[place % 6]], [.tag("title", [:], words.row(cell)[2])]))
            }
        }
        let legend = methods.enumerated().map { place, method in
            HTML.tag(
                "li", [:],
                [
                    .tag(
                        "svg", ["viewBox": "0 0 34 10", "width": "34", "height": "10"],
                        [line((2, 5), (32, 5), ["stroke": Self.colours[place % 6], "stroke-width": "2.5", "stroke-dasharray": Self.dashes[place % 6]])]),
                    .text(" " + method),
                ])
        }
        return .tag("svg", ["viewBox": "0 0 \(n(Self.width)) \(n(Self.height))", "role": "img", "aria-label": words.chart, "class": "chart"], parts) + .tag("ul", [:], legend)
    }
}
