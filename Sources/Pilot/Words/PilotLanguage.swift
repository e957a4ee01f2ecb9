/// The languages of a pilot's report.
package enum PilotLanguage: String, Sendable, CaseIterable {
    case english = "en"
    case japanese = "ja"
}
