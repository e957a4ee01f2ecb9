/// What the user sees of a run on rank 0: one line that is rewritten on a terminal, plain lines now and then elsewhere.
package struct ProgressLine {
    private let isTerminal: Bool
    private let width: Int
    private let interval: Double
    private let write: (String) -> Void
    private var lastShown = -Double.infinity
    private var shownLength = 0
    private var pace = Pace()

    /// - Parameters:
    ///   - width: columns of the terminal; a line that would wrap could not be rewritten, so it is shortened, then cut.
    ///   - interval: seconds between plain lines.
    package init(
        isTerminal: Bool = Terminal.isInteractive, width: Int = Terminal.width, interval: Double = 10,
        write: @escaping (String) -> Void = { Output.progress($0) }
    ) {
        self.isTerminal = isTerminal
        self.width = width
        self.interval = isTerminal ? 0.1 : interval
        self.write = write
    }

    /// Shows a step of the epoch if it is time to.
    ///
    /// - Parameters:
    ///   - epoch, step: counted from 0.
    ///   - samples, seconds: images of the step and what it took; the time between steps (validation, checkpoints) does
    ///     not count, neither in the rate nor in the time left.
    ///   - remaining: steps left in the run.
    ///   - now: seconds of a clock that never goes back.
    package mutating func show(
        epoch: Int, epochs: Int, step: Int, steps: Int, loss: Double, accuracy: Double, samples: Int, seconds: Double,
        remaining: Int, now: Double
    ) {
        pace.add(samples: samples, seconds: seconds)
        guard now - lastShown >= interval else { return }
        lastShown = now
        let rate = decimal(pace.samplesPerSecond, pace.samplesPerSecond < 100 ? 1 : 0)
        let left = duration(Double(remaining) * pace.secondsPerStep)
        let text =
            "epoch \(epoch + 1)/\(epochs)  step \(step + 1)/\(steps)  loss \(decimal(loss, 4))  accuracy \(percent(accuracy))"
            + "  \(rate) images/s  \(left) left"
        guard isTerminal, text.count >= width else { return put(text, stays: !isTerminal) }
        put("\(epoch + 1)/\(epochs) \(step + 1)/\(steps)  loss \(decimal(loss, 2))  \(percent(accuracy))  \(rate)/s  \(left) left", stays: false)
    }

    /// Writes a line that stays, in place of the one that is rewritten.
    package mutating func note(_ text: String) { put(text, stays: true) }

    private mutating func put(_ text: String, stays: Bool) {
        guard isTerminal else { return write(text + "\n") }
        let text = stays ? text : String(text.prefix(width - 1))
        let cover = String(repeating: " ", count: max(0, shownLength - text.count))
        write("\r" + text + cover + (stays ? "\n" : ""))
        shownLength = stays ? 0 : text.count
    }
}

/// Mean speed of the last twenty steps or so: exponential averages, corrected for their beginning at zero. The first step
/// of a process, which also fills caches and memory, counts only until there is a second.
private struct Pace {
    private static let memory = 0.95
    private var steps = 0
    private var seconds = 0.0
    private var samples = 0.0
    private var weight = 0.0

    mutating func add(samples: Int, seconds: Double) {
        steps += 1
        if steps == 2 { (self.seconds, self.samples, weight) = (0, 0, 0) }
        self.seconds = Self.memory * self.seconds + (1 - Self.memory) * seconds
        self.samples = Self.memory * self.samples + (1 - Self.memory) * Double(samples)
        weight = Self.memory * weight + (1 - Self.memory)
    }

    var secondsPerStep: Double { weight > 0 ? seconds / weight : 0 }
    var samplesPerSecond: Double { seconds > 0 ? samples / seconds : 0 }
}
