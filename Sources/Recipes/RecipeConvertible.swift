/// A type that a key of a recipe can have.
protocol RecipeConvertible: Sendable, Hashable {
    /// - Parameter value: of the key's kind, or the result is nil.
    init?(_ value: RecipeValue)
    var recipeValue: RecipeValue { get }
}

extension Int: RecipeConvertible {
    init?(_ value: RecipeValue) {
        guard case .integer(let integer) = value else { return nil }
        self = integer
    }
    var recipeValue: RecipeValue { .integer(self) }
}

extension Double: RecipeConvertible {
    init?(_ value: RecipeValue) {
        guard case .number(let number) = value else { return nil }
        self = number
    }
    var recipeValue: RecipeValue { .number(self) }
}

extension Bool: RecipeConvertible {
    init?(_ value: RecipeValue) {
        guard case .flag(let flag) = value else { return nil }
        self = flag
    }
    var recipeValue: RecipeValue { .flag(self) }
}

extension String: RecipeConvertible {
    init?(_ value: RecipeValue) {
        guard case .text(let text) = value else { return nil }
        self = text
    }
    var recipeValue: RecipeValue { .text(self) }
}

extension [Int]: RecipeConvertible {
    init?(_ value: RecipeValue) {
        guard case .integers(let integers) = value else { return nil }
        self = integers
    }
    var recipeValue: RecipeValue { .integers(self) }
}

/// A choice among names.
protocol RecipeChoice: RecipeConvertible, RawRepresentable<String>, CaseIterable {}

extension RecipeChoice {
    init?(_ value: RecipeValue) {
        guard case .text(let name) = value else { return nil }
        self.init(rawValue: name)
    }
    var recipeValue: RecipeValue { .text(rawValue) }

    static var names: [String] { allCases.map(\.rawValue) }
}
