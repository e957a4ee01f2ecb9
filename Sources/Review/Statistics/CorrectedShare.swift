/// The share of wrong maps, when those who look at them miss some and object to right ones: Z. Lang and J. Reiczigel,
/// Confidence limits for prevalence of disease adjusted for estimated sensitivity and specificity, Preventive Veterinary
/// Medicine 113 (2014). It takes planted errors to be as hard to see as real ones.
///
/// - Parameters:
///   - objected: how often people changed a map, of those drawn at random.
///   - caught: how often they changed a planted wrong map.
///   - passed: how often they left a right map alone.
/// - Returns: nil where a count is missing, or people do little better than chance.
package func correctedShare(objected: Proportion, caught: Proportion, passed: Proportion, z: Double = normalDeviate95) -> Interval? {
    guard objected.trials > 0, caught.trials > 0, passed.trials > 0 else { return nil }
    func shrunk(_ p: Proportion) -> Double { Double(p.hits + 1) / Double(p.trials + 2) }
    let (n, se, sp) = (Double(objected.trials), shrunk(caught), shrunk(passed))
    let (nSe, nSp) = (Double(caught.trials), Double(passed.trials))
    let power = se + sp - 1
    guard power > 0.2 else { return nil }
    let p = (Double(objected.hits) + z * z / 2) / (n + z * z)
    let share = (p + sp - 1) / power
    let (errorSe, errorSp) = (se * (1 - se) / nSe, sp * (1 - sp) / nSp)
    let shift = 2 * z * z * (share * errorSe - (1 - share) * errorSp)
    let variance = p * (1 - p) / (n + z * z) + share * share * errorSe + (1 - share) * (1 - share) * errorSp
    let spread = z * variance.squareRoot() / power
    func clamp(_ value: Double) -> Double { min(1, max(0, value)) }
    let plain = (Double(objected.hits) / n + Double(passed.hits) / nSp - 1) / max(0.2, Double(caught.hits) / nSe + Double(passed.hits) / nSp - 1)
    return Interval(estimate: clamp(plain), low: clamp(share + shift - spread), high: clamp(share + shift + spread))
}
