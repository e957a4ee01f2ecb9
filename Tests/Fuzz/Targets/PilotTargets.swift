import Pilot

extension FuzzTarget {
    /// YAML; what is accepted can be printed and read again.
    static let pilotPlan = FuzzTarget("pilot-plan") { input in
        let plan = try PilotPlan(yaml: String(decoding: input.bytes, as: UTF8.self), name: "pilot.yaml")
        let text = plan.yaml()
        guard let again = try? PilotPlan(yaml: text, name: "again"), again == plan else { fatalError("printed, it is another:\n\(text)") }
    }
}
