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
/// - L2: the whole perturbation lies in a ball of radius `epsilon`, and its part on the salient pixels (M ≤ 0.5) in one of
///   radius `epsilonSalient` (after the two budgets of Xiao et al., "dual perturbation", arXiv 2005.04272; there the balls
///   are of the two parts, which together may move by √2·ε). With `epsilonSalient` 0 a soft mask weighs the gradient, and
///   pixels with M = 0 stay.
///
/// So in either norm `epsilonSalient` = 0 is SIP-AT and `epsilonSalient` = `epsilon` plain adversarial training, bit for bit.
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
    package func budget(_ m: Float) -> Float {
        m == 1 ? epsilon : m == 0 ? epsilonSalient : epsilonSalient + (epsilon - epsilonSalient) * m
    }

    /// What a perturbation of the whole ball is multiplied by at a pixel with mask value `m`, so that the result obeys
    /// the masked threat model.
    func share(_ m: Float) -> Float {
        guard epsilon > 0 else { return 0 }
        if norm == .l2, epsilonSalient > 0 { return isBackground(m) ? 1 : epsilonSalient / epsilon }
        return budget(m) / epsilon
    }

    /// Whether an L2 attack counts a pixel with mask value `m` as background. With no budget on salient pixels, all that
    /// may move are; with the whole budget there, all are.
    func isBackground(_ m: Float) -> Bool { epsilonSalient == 0 ? m > 0 : epsilonSalient >= epsilon || m > 0.5 }

    /// The L2 perturbation nearest to one whose background and salient parts have these lengths: what the parts are to be
    /// multiplied by.
    func shrinking(background: Double, salient: Double) -> (background: Float, salient: Float) {
        let (whole, inner) = (Double(epsilon), Double(epsilonSalient))
        func factor(_ length: Double, _ radius: Double) -> Float { length > radius ? Float(radius / length) : 1 }
        let held = min(salient, inner)
        let length = (background * background + held * held).squareRoot()
        guard length > whole else { return (1, factor(salient, inner)) }
        // Towards the centre, unless the salient part then still is too long: the nearest point lies where the balls meet.
        let both = factor((background * background + salient * salient).squareRoot(), whole)
        guard salient * Double(both) > inner else { return (both, both) }
        return (factor(background, (whole * whole - inner * inner).squareRoot()), factor(salient, inner))
    }
}
