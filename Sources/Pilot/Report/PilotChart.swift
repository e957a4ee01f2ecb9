import Diagnostics

/// Accuracy over the radius: a line for each method, told apart by colour and by dashes.
struct PilotChart {
    let methods: [(name: String, points: [PilotReport.Radius])]
    let words: PilotWords

    private static let colours = ["#545e6e", "#1f5fa8", "#0e7490", "#7e22ce", "#c2410c"]
    private static let dashes = ["2 3", "7 4", "9 3 2 3", "4 2", ""]
    private static let (width, height, left, right, top, bottom) = (720.0, 330.0, 56.0, 20.0, 16.0, 48.0)

    private var farthest: Double { max(methods.flatMap(\.points).map(\.epsilon).max() ?? 0, 1e-9) }
    private func x(_ epsilon: Double) -> Double { Self.left + epsilon / farthest * (Self.width - Self.left - Self.right) }
    private func y(_ share: Double) -> Double { Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom) }
    private func n(_ value: Double) -> String { decimal(value, 1) }

    var drawing: HTML {
        var parts: [HTML] = []
        for tick in stride(from: 0, through: 100, by: 20) {
            let at = y(Double(tick) / 100)
            parts.append(line(Self.left, at, Self.width - Self.right, at, ["class": tick == 0 ? "axis" : "grid"]))
            parts.append(label(words.percent(Double(tick) / 100, 0), Self.left - 8, at + 4, "end"))
        }
        for epsilon in Set(methods.flatMap(\.points).map(\.epsilon)).sorted() {
            parts.append(line(x(epsilon), y(0), x(epsilon), y(0) + 5, ["class": "axis"]))
            parts.append(label(epsilon == 0 ? words(.colClean) : words.radius(epsilon), x(epsilon), y(0) + 20, "middle"))
        }
        parts.append(label(words(.chartAxis), Self.width - Self.right, Self.height - 6, "end"))
        for (place, method) in methods.enumerated() {
            let stroke = stroke(place)
            let path = method.points.map { "\(n(x($0.epsilon))),\(n(y($0.accuracy.accuracy)))" }.joined(separator: " ")
            parts.append(.tag("polyline", ["points": path, "fill": "none", "stroke-width": "2"].merging(stroke) { $1 }))
            for point in method.points {
                // Beside each other where several methods have a point.
                let at = x(point.epsilon) + 3 * Double(place)
                parts.append(line(at, y(point.accuracy.low), at, y(point.accuracy.high), ["stroke": stroke["stroke"]!, "stroke-width": "1"]))
                let title = words.named(words.list([method.name, words.attacked(point.epsilon)]), words.percent(point.accuracy.accuracy))
                parts.append(.tag("circle", ["cx": n(x(point.epsilon)), "cy": n(y(point.accuracy.accuracy)), "r": "3.2", "fill": stroke["stroke"]!], [.tag("title", [:], title)]))
            }
        }
        let svg = HTML.tag("svg", ["viewBox": "0 0 \(n(Self.width)) \(n(Self.height))", "role": "img", "aria-label": words(.chartLabel), "class": "chart"], parts)
        let legend = methods.enumerated().map { place, method -> HTML in
            let sample = line(2, 5, 32, 5, stroke(place).merging(["stroke-width": "2.5"]) { $1 })
            return .tag("li", [:], [.tag("svg", ["viewBox": "0 0 34 10", "width": "34", "height": "10", "aria-hidden": "true"], [sample]), .text(method.name)])
        }
        return .tag("figure", [:], [svg, .tag("ul", ["class": "legend"], legend)])
    }

    private func stroke(_ place: Int) -> [String: String] {
        ["stroke": Self.colours[place % Self.colours.count], "stroke-dasharray": Self.dashes[place % Self.dashes.count]]
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ more: [String: String]) -> HTML {
        .tag("line", ["x1": n(x1), "y1": n(y1), "x2": n(x2), "y2": n(y2)].merging(more) { $1 })
    }

    private func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String) -> HTML {
        .tag("text", ["x": n(x), "y": n(y), "text-anchor": anchor], text)
    }
}
