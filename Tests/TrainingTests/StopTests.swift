import Testing
import Training

/// What a process says that is stopped where its ranks do not meet.
@Suite struct StopTests {
    @Test func onlyAValidationIsDoneAgain() {
        let validating = StopWatcher.farewell(.signal, in: .validation, place: "rank 1 on b: ")
        #expect(validating == "rank 1 on b: stopped by a signal in a validation, which is done again when the run is resumed; start it again with --resume-if-present")
        for phase in [Heartbeat.Phase.starting, .loading, .meeting] {
            let text = StopWatcher.farewell(.timeBudget, in: phase, place: "")
            #expect(text.hasPrefix("stopped by the time budget before this process took a step") && !text.contains("resumed"), "\(text)")
        }
    }
}
