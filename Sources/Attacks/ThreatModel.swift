/// How the size of a perturbation is measured.
package enum Norm: String, Sendable, Hashable, Codable, CaseIterable {
    /// The largest change of any value.
    case linf
    /// The Euclidean length of the change of an image.
    case l2
}

/// What an attacker may do to an image: the ball around it, together with a mask given per image.
///
/// The mask M has a value in [0, 1] per pixel, shared by the channels; 1 where the mask is missing. Images stay in
/// [0, 1], and a pixel whose budget is 0 never moves.
///
/// - L∞: each value may move by its pixel's budget, `epsilonSalient + (epsilon − epsilonSalient) · M`.
/// - L2: pixels with M > 0.5 move within a ball of radius `epsilon`, the others within one of radius `epsilonSalient`
///   (two balls, after Xiao et al., "dual perturbation", arXiv 2005.04272); with `epsilonSalient` 0 a soft mask weighs
///   the gradient, and pixels with M = 0 stay.
package struct ThreatModel: Sendable, Hashable, Codable {
    package var norm: Norm
    /// Radius, in units of pixel values: the common 8/255 for L∞, 0.5 for L2.
    package var epsilon: Float
    /// Radius on salient pixels (M = 0): 0 is SIP-AT, `epsilon` is plain adversarial training.
    package var epsilonSalient: Float

    package init(norm: Norm, epsilon: Float, epsilonSalient: Float = 0) {
        self.norm = norm
        self.epsilon = epsilon
        self.epsilonSalient = epsilonSalient
    }

    /// The L∞ budget of a pixel with mask value `m`; exact at both ends.
    func budget(_ m: Float) -> Float {
        m == 1 ? epsilon : m == 0 ? epsilonSalient : epsilonSalient + (epsilon - epsilonSalient) * m
    }

    /// What a perturbation of the whole ball is multiplied by at a pixel with mask value `m`, so that the result obeys
    /// the masked threat model.
    func share(_ m: Float) -> Float {
        guard epsilon > 0 else { return 0 }
        if norm == .l2, epsilonSalient > 0 { return m > 0.5 ? 1 : epsilonSalient / epsilon }
        return budget(m) / epsilon
    }
}
