/// Everything that decides a run's numbers, and a few things that do not: a value for each key of `RecipeSchema`.
///
/// Recipes are made by `builtIn(_:)`, `RecipeParser` and `Decodable`, each of which checks every value, so the accessors
/// need not.
package struct Recipe: Sendable, Hashable {
    /// Every key of the schema, and no other.
    package internal(set) var values: [String: RecipeValue]

    /// A key whose value differs between two recipes.
    package typealias Difference = (field: RecipeField, old: RecipeValue, new: RecipeValue)

    /// Keys whose values differ from those in `other`, in the schema's order.
    package func differences(from other: Recipe) -> [Difference] {
        RecipeSchema.fields.compactMap { field in
            let (old, new) = (other[field], self[field])
            return old == new ? nil : (field, old, new)
        }
    }

    package subscript(field: RecipeField) -> RecipeValue { values[field.path] ?? field.standard }
}
