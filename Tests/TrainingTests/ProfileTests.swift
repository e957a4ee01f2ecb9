import Testing
import Training

@Suite("Where an epoch's time went")
struct ProfileTests {
    /// Ranks of the given computing times, which wait for the slowest.
    private func profile(_ seconds: [Double]) -> EpochProfile {
        EpochProfile(
            steps: 10,
            ranks: seconds.enumerated().map { index, time in
                var timings = StepTimings()
                (timings.attack, timings.forward, timings.backward) = (time * 0.7, time * 0.1, time * 0.2)
                timings.communication = seconds.max()! - time
                return .init(host: "host\(index)", timings: timings, hidden: 0, bytesSent: 4_000_000)
            })
    }

    @Test func theSlowestRankIsNamed() throws {
        for seconds in [[10, 15], [15, 10], [10, 10, 15], [10, 10, 10, 15]] as [[Double]] {
            let profile = profile(seconds)
            let slow = try #require(seconds.firstIndex(of: 15))
            let expected = seconds.count == 2 ? 0.2 : 0.5
            #expect(profile.slowest == slow && abs(profile.imbalance - expected) < 1e-9, "\(seconds)")
            #expect(profile.warning?.contains("rank \(slow) on host\(slow) computes") == true)
            #expect(profile.table.contains("(rank \(slow))"))
        }
    }

    @Test func nothingIsSaidOfRanksThatKeepPaceOrOfShortEpochs() {
        #expect(profile([10, 10.5]).warning == nil)
        #expect(profile([0.1, 0.15]).warning == nil)
        #expect(profile([20]).warning == nil && profile([20]).imbalance == 0)
    }
}
