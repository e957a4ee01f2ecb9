import Foundation

/// A small line chart as SVG: ranks on a logarithmic axis, lines with points, a legend. Readable on light and dark.
package struct LineChart: Sendable {
    package struct Line: Sendable {
        package var name: String
        /// Hollow points are oversubscribed.
        package var points: [(ranks: Int, value: Double, isHollow: Bool)]
        package var isDashed: Bool

        package init(name: String, points: [(ranks: Int, value: Double, isHollow: Bool)], isDashed: Bool = false) {
            self.name = name
            self.points = points
            self.isDashed = isDashed
        }
    }

    package var title: String
    package var yLabel: String
    package var isLogarithmic: Bool
    package var lines: [Line]

    package init(title: String, yLabel: String, isLogarithmic: Bool, lines: [Line]) {
        self.title = title
        self.yLabel = yLabel
        self.isLogarithmic = isLogarithmic
        self.lines = lines
    }

    private static let colours = ["#1f77b4", "#d95f02", "#1b9e77", "#b03a8c", "#7a7a00", "#8c564b", "#5b5bd6", "#c0392b"]
    private static let (width, height) = (640.0, 400.0)
    private static let (left, right, top, bottom) = (64.0, 16.0, 40.0, 48.0)

    /// Several charts, one below the other, with notes at the end.
    package static func document(_ charts: [LineChart], notes: [String]) -> String {
        let rows = charts.map { $0.height }
        let total = rows.reduce(0, +) + Double(notes.count) * 16 + 16
        var body = ""
        var y = 0.0
        for (chart, height) in zip(charts, rows) {
            body += "<g transform=\"translate(0 \(number(y)))\">\n\(chart.body)</g>\n"
            y += height
        }
        for (i, note) in notes.enumerated() {
            body += text(note, x: left, y: y + 14 + Double(i) * 16, size: 11)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(total))" width="\(number(width))" \
            height="\(number(total))" font-family="sans-serif">
            <style>text{fill:#222}.grid{stroke:#bbb}@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}.grid{stroke:#555}}</style>
            \(body)</svg>

            """
    }

    private var height: Double { Self.height + Double((lines.count + 1) / 2) * 18 + 12 }

    private var body: String {
        let points = lines.flatMap(\.points)
        guard let most = points.map(\.ranks).max() else { return "" }
        let xMax = max(1, log2(Double(most)))
        let values = points.map(\.value)
        let yMax = isLogarithmic ? max(1, log2(values.max()!).rounded(.up)) : max(1, (values.max()! * 5).rounded(.up) / 5)
        func x(_ ranks: Int) -> Double {
            Self.left + (Self.width - Self.left - Self.right) * log2(Double(ranks)) / xMax
        }
        func y(_ value: Double) -> Double {
            let share = (isLogarithmic ? log2(max(1, value)) : value) / yMax
            return Self.height - Self.bottom - (Self.height - Self.top - Self.bottom) * share
        }
        var svg = Self.text(title, x: Self.left, y: 22, size: 15)
        svg += Self.text(yLabel, x: Self.left, y: Self.top - 4, size: 11)
        svg += Self.text("ranks", x: Self.width - Self.right - 32, y: Self.height - 12, size: 11)
        let ticks = isLogarithmic ? stride(from: 0, through: yMax, by: max(1, (yMax / 8).rounded(.up))).map { exp2($0) } : stride(from: 0, through: yMax + 1e-9, by: yMax / 5).map { $0 }
        for tick in ticks {
            svg += "<line class=\"grid\" x1=\"\(Self.number(Self.left))\" x2=\"\(Self.number(Self.width - Self.right))\" y1=\"\(Self.number(y(tick)))\" y2=\"\(Self.number(y(tick)))\" stroke-width=\"0.5\"/>\n"
            svg += Self.text(isLogarithmic ? "\(Int(tick))" : decimals(tick, 1), x: 8, y: y(tick) + 4, size: 11)
        }
        var ranks = 1
        while ranks <= most {
            svg += Self.text("\(ranks)", x: x(ranks) - 4, y: Self.height - Self.bottom + 18, size: 11)
            ranks *= 2
        }
        for (i, line) in lines.enumerated() {
            let colour = Self.colours[i % Self.colours.count]
            let path = line.points.map { "\(Self.number(x($0.ranks))),\(Self.number(y($0.value)))" }.joined(separator: " ")
            let dash = line.isDashed ? " stroke-dasharray=\"6 4\"" : ""
            svg += "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"\(dash)/>\n"
            for point in line.points where !line.isDashed {
                svg += "<circle cx=\"\(Self.number(x(point.ranks)))\" cy=\"\(Self.number(y(point.value)))\" r=\"4\" stroke=\"\(colour)\" stroke-width=\"2\" fill=\"\(point.isHollow ? "none" : colour)\"/>\n"
            }
            let (column, row) = (Double(i % 2), Double(i / 2))
            let (legendX, legendY) = (Self.left + column * 280, Self.height + 8 + row * 18)
            svg += "<line x1=\"\(Self.number(legendX))\" x2=\"\(Self.number(legendX + 24))\" y1=\"\(Self.number(legendY))\" y2=\"\(Self.number(legendY))\" stroke=\"\(colour)\" stroke-width=\"2\"\(dash)/>\n"
            svg += Self.text(line.name, x: legendX + 30, y: legendY + 4, size: 11)
        }
        return svg
    }

    private static func text(_ text: String, x: Double, y: Double, size: Int) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(size)\">\(escaped)</text>\n"
    }

    private static func number(_ value: Double) -> String { decimals(value, 1) }
}
