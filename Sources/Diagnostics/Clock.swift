import Dispatch

/// Seconds of a clock that never goes back.
package func monotonicSeconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
