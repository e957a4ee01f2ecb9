import Foundation

/// What the user sees of a run on rank 0: one line that is rewritten on a terminal, plain lines now and then elsewhere.
package struct ProgressLine {
    private let isTerminal: Bool
    private let interval: Double
    private let write: (String) -> Void
    private var lastShown = -Double.infinity
    private var shownLength = 0
    /// Smoothed seconds per step.
    private var pace: Double?

    /// - Parameter interval: seconds between plain lines.
    package init(
        isTerminal: Bool = Terminal.isInteractive, interval: Double = 10,
        write: @escaping (String) -> Void = { FileHandle.standardOutput.write(Data($0.utf8)) }
    ) {
        self.isTerminal = isTerminal
        self.interval = isTerminal ? 0.1 : interval
        self.write = write
    }

    /// Shows a step of the epoch if it is time to.
    ///
    /// - Parameters:
    ///   - now: seconds of a clock that never goes back.
    ///   - seconds: what the step took; `remaining`: steps left in the run.
    package mutating func show(
        epoch: Int, epochs: Int, step: Int, steps: Int, loss: Double, accuracy: Double, samples: Int, seconds: Double,
        remaining: Int, now: Double
    ) {
        pace = pace.map { 0.95 * $0 + 0.05 * seconds } ?? seconds
        guard now - lastShown >= interval else { return }
        lastShown = now
        let rate = Double(samples) / pace!
        put(
            "epoch \(epoch + 1)/\(epochs)  step \(step + 1)/\(steps)  loss \(decimal(loss, 4))  accuracy \(percent(accuracy))"
                + "  \(decimal(rate, rate < 100 ? 1 : 0)) images/s  \(duration(Double(remaining) * pace!)) left", isLine: !isTerminal)
    }

    /// Writes a line that stays.
    package mutating func note(_ text: String) { put(text, isLine: true) }

    private mutating func put(_ text: String, isLine: Bool) {
        let cover = String(repeating: " ", count: max(0, shownLength - text.count))
        write((isTerminal ? "\r" : "") + text + (isTerminal ? cover : "") + (isLine ? "\n" : ""))
        shownLength = isLine ? 0 : text.count
    }
}

/// A number with a fixed number of decimals.
package func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// A share as a percentage.
package func percent(_ share: Double) -> String { String(format: "%5.2f %%", 100 * share) }

/// Seconds as a person says them: 42s, 3m 20s, 5h 07m.
package func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let s = Int(seconds.rounded())
    if s < 60 { return "\(s)s" }
    if s < 3600 { return String(format: "%dm %02ds", s / 60, s % 60) }
    return String(format: "%dh %02dm", s / 3600, s % 3600 / 60)
}
