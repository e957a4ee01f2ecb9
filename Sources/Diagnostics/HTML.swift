/// A piece of an HTML document that is safe to put into another: text is escaped where it is made into one.
///
/// ```swift
/// let page = HTML.tag("p", ["class": "note"], [.text("a < b"), .tag("b", [.text(name)])])
/// ```
package struct HTML: Sendable, Hashable {
    /// The markup.
    package private(set) var source: String

    private init(source: String) { self.source = source }

    /// Text, escaped.
    package static func text(_ text: String) -> HTML { HTML(source: escaped(text)) }

    /// Markup that the program itself wrote, as it is. Never for names, paths or anything else that comes from outside.
    package static func trusted(_ markup: StaticString) -> HTML { HTML(source: "\(markup)") }

    /// An element. Attributes are escaped, and come in the order of their names, so that equal pages have equal bytes.
    package static func tag(_ name: StaticString, _ attributes: [String: String] = [:], _ content: [HTML] = []) -> HTML {
        let list = attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
        guard !isVoid("\(name)") else { return HTML(source: "<\(name)\(list)>") }
        return HTML(source: "<\(name)\(list)>" + content.map(\.source).joined() + "</\(name)>")
    }

    package static func tag(_ name: StaticString, _ attributes: [String: String] = [:], _ text: String) -> HTML {
        tag(name, attributes, [.text(text)])
    }

    package static func + (a: HTML, b: HTML) -> HTML { HTML(source: a.source + b.source) }

    /// A table with a heading row.
    ///
    /// - Parameter leading: columns on the left that hold names; the rest are numbers.
    package static func table(_ heading: [HTML], _ rows: [[HTML]], leading: Int = 1) -> HTML {
        func cell(_ name: StaticString, _ place: Int, _ content: HTML) -> HTML { tag(name, place < leading ? ["class": "name"] : [:], [content]) }
        let head = tag("thead", [:], [tag("tr", [:], heading.enumerated().map { cell("th", $0, $1) })])
        let body = tag("tbody", [:], rows.map { row in tag("tr", [:], row.enumerated().map { cell("td", $0, $1) }) })
        return tag("div", ["class": "wide"], [tag("table", [:], [head, body])])
    }

    /// A whole document without scripts, and without anything from elsewhere: browsers are told to load nothing.
    ///
    /// - Parameter language: of its text, such as `en`.
    package static func document(title: String, style: StaticString, body: [HTML], language: String = "en") -> String {
        let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        let head = tag(
            "head", [:],
            [
                tag("meta", ["charset": "utf-8"]), tag("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                tag("meta", ["http-equiv": "Content-Security-Policy", "content": policy]), tag("title", [:], title),
                tag("style", [:], [trusted(style)]),
            ])
        return "<!DOCTYPE html>\n" + tag("html", ["lang": language], [head, tag("body", [:], body)]).source + "\n"
    }

    /// Elements that have no closing tag.
    private static func isVoid(_ name: String) -> Bool { ["meta", "img", "br", "hr"].contains(name) }

    private static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters have no place in a document.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
