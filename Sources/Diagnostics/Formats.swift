import Foundation

/// A number with a fixed number of decimals.
package func decimal(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// A number with so many significant digits, and all that it has before the point.
package func significant(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value != 0 else { return decimal(value, 0) }
    // Rounded first: 0.9996 has the digits of 1.00.
    let rounded = Double(String(format: "%.\(max(digits, 1) - 1)e", value)) ?? value
    return decimal(value, max(0, digits - 1 - Int(log10(abs(rounded)).rounded(.down))))
}

/// A share as a percentage.
package func percent(_ share: Double) -> String { String(format: "%5.2f %%", 100 * share) }

/// Seconds as a person says them: 42s, 3m 20s, 5h 07m.
package func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "?" }
    let s = Int(seconds.rounded())
    if s < 60 { return "\(s)s" }
    if s < 3600 { return String(format: "%dm %02ds", s / 60, s % 60) }
    return String(format: "%dh %02dm", s / 3600, s % 3600 / 60)
}
