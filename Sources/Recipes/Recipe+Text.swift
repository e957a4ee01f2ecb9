/// Recipes as text: YAML for people, JSON for programs.
extension Recipe {
    /// As YAML that parses to this recipe.
    ///
    /// - Parameter commented: say beside each key what it means and what it may hold.
    package func yaml(commented: Bool) -> String {
        var text = ""
        var group: String?
        for field in RecipeSchema.fields {
            if field.group != group, let next = field.group {
                text += commented ? "\n\(next):\n" : "\(next):\n"
            }
            group = field.group
            let line = "\(group == nil ? "" : "  ")\(field.name): \(self[field])"
            let choices = field.allowed.map { " [\($0)]" } ?? ""
            text += commented ? line.padded(to: 32) + "# \(field.about)\(choices)\n" : line + "\n"
        }
        return text
    }
}

/// Groups are objects, values are JSON's own: `{"attack": {"epsilon": 0.03…, "steps": 10}, "epochs": 200}`.
extension Recipe: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var root = encoder.container(keyedBy: Key.self)
        for field in RecipeSchema.fields where field.group == nil {
            try Self.encode(self[field], Key(stringValue: field.name), into: &root)
        }
        for group in RecipeSchema.groups.sorted() {
            var container = root.nestedContainer(keyedBy: Key.self, forKey: Key(stringValue: group))
            for field in RecipeSchema.fields where field.group == group {
                try Self.encode(self[field], Key(stringValue: field.name), into: &container)
            }
        }
    }

    /// - Throws: `DecodingError` for a key the schema lacks and a value it does not allow. A key that is absent, because an
    ///   older version wrote the recipe, has its standard value.
    package init(from decoder: any Decoder) throws {
        self.init()
        let root = try decoder.container(keyedBy: Key.self)
        for key in root.allKeys {
            if RecipeSchema.groups.contains(key.stringValue) {
                let container = try root.nestedContainer(keyedBy: Key.self, forKey: key)
                for inner in container.allKeys {
                    let (field, value) = try Self.decode("\(key.stringValue).\(inner.stringValue)", inner, from: container)
                    self[field] = value
                }
            } else {
                let (field, value) = try Self.decode(key.stringValue, key, from: root)
                self[field] = value
            }
        }
    }

    private static func encode(_ value: RecipeValue, _ key: Key, into container: inout KeyedEncodingContainer<Key>) throws {
        switch value {
        case .text(let value): try container.encode(value, forKey: key)
        case .integer(let value): try container.encode(value, forKey: key)
        case .number(let value): try container.encode(value, forKey: key)
        case .flag(let value): try container.encode(value, forKey: key)
        case .integers(let value): try container.encode(value, forKey: key)
        case .numbers(let value): try container.encode(value, forKey: key)
        }
    }

    private static func decode(
        _ path: String, _ key: Key, from container: KeyedDecodingContainer<Key>
    ) throws -> (field: RecipeField, value: RecipeValue) {
        guard let field = RecipeSchema.byPath[path] else {
            throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "a recipe has no key \(path)")
        }
        let value: RecipeValue =
            switch field.kind {
            case .integer: .integer(try container.decode(Int.self, forKey: key))
            case .number: .number(try container.decode(Double.self, forKey: key))
            case .flag: .flag(try container.decode(Bool.self, forKey: key))
            case .text, .choice, .name: .text(try container.decode(String.self, forKey: key))
            case .integers: .integers(try container.decode([Int].self, forKey: key))
            case .channels:
                if let name = try? container.decode(String.self, forKey: key) { .text(name) } else { .numbers(try container.decode([Double].self, forKey: key)) }
            }
        guard field.allows(value) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "\(path) is \(value), expected \(field.expectation)")
        }
        return (field, value)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        count < width ? self + String(repeating: " ", count: width - count) : self + "  "
    }
}
