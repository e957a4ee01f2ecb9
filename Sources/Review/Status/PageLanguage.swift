import Diagnostics

/// The languages in which pages and results speak.
package enum PageLanguage: String, Sendable, CaseIterable {
    case english = "en"
    case japanese = "ja"

    /// The text for this language; {x} is filled in.
    func say(_ english: String, _ japanese: String, _ values: [String: String] = [:]) -> String {
        values.reduce(self == .japanese ? japanese : english) { $0.replacing("{\($1.key)}", with: $1.value) }
    }
}

/// A share as a percentage, with more digits where it is small.
func percentage(_ share: Double) -> String { decimal(100 * share, share > 0 && share < 0.1 ? 2 : 1) + " %" }
