import Diagnostics

/// Accuracy over the radius as an SVG drawing: a line for each attacker, with intervals.
struct AccuracyChart {
    struct Line {
        var name: String
        var points: [(epsilon: Float, share: EvaluationStatistics.Share)]
    }

    var lines: [Line]

    private static let colours = ["#1f5fa8", "#c2410c", "#15803d", "#7e22ce", "#0e7490", "#a16207"]
    private static let dashes = ["", "7 4", "2 3", "9 3 2 3", "4 2", "1 3"]
    private static let (width, height) = (720.0, 340.0)
    private static let (left, right, top, bottom) = (52.0, 20.0, 16.0, 44.0)

    private var farthest: Double { Double(lines.flatMap(\.points).map(\.epsilon).max() ?? 0) }

    private func x(_ epsilon: Float) -> Double {
        Self.left + (farthest > 0 ? Double(epsilon) / farthest : 0) * (Self.width - Self.left - Self.right)
    }

    private func y(_ share: Double) -> Double { Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom) }

    var drawing: HTML {
        let legend = HTML.tag(
            "ul", ["class": "legend"],
            lines.enumerated().map { place, line in
                .tag("li", [:], [.tag("svg", ["viewBox": "0 0 34 10", "width": "34", "height": "10", "aria-hidden": "true"], [stroke(2, 32, 5, place)]), .text(line.name)])
            })
        let parts = grid + radii + lines.enumerated().flatMap { draw($1, $0) }
        let svg = HTML.tag(
            "svg", ["viewBox": "0 0 \(n(Self.width)) \(n(Self.height))", "role": "img", "aria-label": "accuracy over the radius", "class": "chart"], parts)
        return svg + legend
    }

    private var grid: [HTML] {
        stride(from: 0, through: 100, by: 20).flatMap { (tick: Int) -> [HTML] in
            let at = y(Double(tick) / 100)
            return [
                .tag("line", ["x1": n(Self.left), "x2": n(Self.width - Self.right), "y1": n(at), "y2": n(at), "class": tick == 0 ? "axis" : "grid"]),
                label("\(tick) %", Self.left - 8, at + 4, anchor: "end"),
            ]
        }
    }

    /// Ticks where something was measured; of labels that would overlap only the first.
    private var radii: [HTML] {
        var last = -Double.infinity
        var parts: [HTML] = []
        for epsilon in Set(lines.flatMap(\.points).map(\.epsilon)).sorted() {
            let at = x(epsilon)
            parts.append(.tag("line", ["x1": n(at), "x2": n(at), "y1": n(y(0)), "y2": n(y(0) + 5), "class": "axis"]))
            guard at - last > 44 else { continue }
            last = at
            parts.append(label(epsilon == 0 ? "clean" : EvaluationTable.radius(epsilon), at, y(0) + 20, anchor: "middle"))
        }
        parts.append(label("radius ε", Self.width - Self.right, Self.height - 4, anchor: "end"))
        return parts
    }

    private func draw(_ line: Line, _ place: Int) -> [HTML] {
        let colour = Self.colours[place % Self.colours.count]
        let path = line.points.map { "\(n(x($0.epsilon))),\(n(y($0.share.accuracy)))" }.joined(separator: " ")
        var parts = [HTML.tag("polyline", ["points": path, "fill": "none", "stroke": colour, "stroke-width": "2", "stroke-dasharray": Self.dashes[place % Self.dashes.count]])]
        for point in line.points {
            // Beside each other where several lines have a point.
            let at = x(point.epsilon) + Double(place) * 3
            let (low, high) = (y(point.share.interval.low), y(point.share.interval.high))
            func whisker(_ a: (Double, Double), _ b: (Double, Double)) -> HTML {
                .tag("line", ["x1": n(a.0), "y1": n(a.1), "x2": n(b.0), "y2": n(b.1), "stroke": colour, "stroke-width": "1"])
            }
            parts += [whisker((at, low), (at, high)), whisker((at - 4, low), (at + 4, low)), whisker((at - 4, high), (at + 4, high))]
            let title = "\(line.name), \(point.epsilon == 0 ? "clean" : "ε = \(EvaluationTable.radius(point.epsilon))"): \(percent(point.share.accuracy)) of \(point.share.count)"
            parts.append(
                .tag("circle", ["cx": n(x(point.epsilon)), "cy": n(y(point.share.accuracy)), "r": "3.5", "fill": colour], [.tag("title", [:], title)]))
        }
        return parts
    }

    private func stroke(_ from: Double, _ to: Double, _ y: Double, _ place: Int) -> HTML {
        .tag(
            "line",
            [
                "x1": n(from), "x2": n(to), "y1": n(y), "y2": n(y), "stroke": Self.colours[place % Self.colours.count], "stroke-width": "2.5",
                "stroke-dasharray": Self.dashes[place % Self.dashes.count],
            ])
    }

    private func label(_ text: String, _ x: Double, _ y: Double, anchor: String) -> HTML {
        .tag("text", ["x": n(x), "y": n(y), "text-anchor": anchor], text)
    }

    private func n(_ value: Double) -> String { decimal(value, 1) }
}
