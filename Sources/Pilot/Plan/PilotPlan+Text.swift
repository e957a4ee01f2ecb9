import Diagnostics
import Recipes
import Yams

/// Plans as YAML.
extension PilotPlan {
    /// As YAML that reads back to this plan, with what each key means.
    ///
    /// - Parameter heading: lines of comment above it.
    package func yaml(heading: [String] = []) -> String {
        var text = heading.map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined()
        var group: String?
        for field in PlanSchema.fields {
            if field.group != group { text += field.group.map { "\n\($0):\n" } ?? "\n" }
            group = field.group
            let indent = group == nil ? "" : "  "
            text += "\(indent)# \(field.about)\n\(indent)\(field.name): \(field.yaml(self))\n"
        }
        return text
    }

    /// The plan in a file.
    ///
    /// - Throws: `Failure.usage` naming file, line, key, what was found and what was expected.
    package init(contentsOf path: String) throws {
        let bytes = try ReadableFile.contents(of: path, limit: 1 << 22)
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Failure.usage("\(path): is not text in UTF-8", remedy: "save it as UTF-8")
        }
        try self.init(yaml: text, name: path)
    }

    /// - Parameter name: the file's, for messages.
    package init(yaml text: String, name: String) throws {
        self.init()
        let remedy = "sipat pilot plan writes a plan with every key explained"
        try requireFewAliases(in: text, name: name)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw Failure.usage("\(name): not YAML: \(error)", remedy: remedy) }
        guard case .mapping(let mapping) = root else { throw Failure.usage("\(name): expected keys and values", remedy: remedy) }
        var seen = Set<String>()
        for (key, value) in mapping {
            guard let first = key.scalar?.string else { throw Failure.usage("\(name):\(line(key)): a key is no name", remedy: remedy) }
            guard PlanSchema.groups.contains(first) else {
                try set(first, key, value, name, &seen)
                continue
            }
            guard case .mapping(let inner) = value else {
                throw Failure.usage("\(name):\(line(key)): \(first) holds no further keys", remedy: "its keys are \(names(in: first))")
            }
            for (key, value) in inner {
                guard let last = key.scalar?.string else { throw Failure.usage("\(name):\(line(key)): a key is no name", remedy: remedy) }
                try set("\(first).\(last)", key, value, name, &seen)
            }
        }
        guard seen.contains("format") else { throw Failure.usage("\(name): format is missing: this is no plan of a pilot", remedy: remedy) }
        try checkConsistency(name: name)
    }

    private mutating func set(_ path: String, _ key: Node, _ value: Node, _ name: String, _ seen: inout Set<String>) throws {
        let place = "\(name):\(line(key))"
        guard let field = PlanSchema.byPath[path] else {
            throw Failure.usage(
                "\(place): there is no key \(path)",
                remedy: nearestName(to: path, among: PlanSchema.fields.map(\.path)).map { "did you mean \($0)?" } ?? "the keys are \(PlanSchema.fields.map(\.path).joined(separator: ", "))")
        }
        guard seen.insert(path).inserted else { throw Failure.usage("\(place): \(path) is given more than once", remedy: "keep one of them") }
        var texts: [String]?
        if field.isList {
            if case .sequence(let items) = value { texts = items.allSatisfy { $0.scalar != nil } ? items.map { $0.scalar!.string } : nil }
        } else {
            texts = value.scalar.map { [$0.string] }
        }
        guard let texts else { throw Failure.usage("\(place): \(path): expected \(field.expectation)", remedy: field.about) }
        if let bad = field.set(texts, in: &self) {
            let names: [String]? =
                switch field.kind {
                case .choice(_, let names): names
                case .texts(_, let names): names
                default: nil
                }
            throw Failure.usage(
                "\(place): \(path) is \"\(bad)\", expected \(field.expectation)", remedy: names.flatMap { nearestName(to: bad, among: $0) }.map { "did you mean \($0)?" } ?? field.about)
        }
    }

    private func names(in group: String) -> String { PlanSchema.fields.filter { $0.group == group }.map(\.name).joined(separator: ", ") }
}

private func line(_ node: Node) -> Int { node.mark?.line ?? 1 }
