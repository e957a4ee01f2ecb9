/// What the ascent loop climbs.
package enum AscentLoss: Sendable, Hashable {
    /// Of the labels, or down it where the attack is targeted.
    case crossEntropy
    /// KL(p(x)‖p(x′)) between the model's answers to the image as it is and as it stands (TRADES: Zhang et al., ICML 2019). It
    /// has no gradient at the image itself: such an attack begins elsewhere.
    case divergence
}

/// Where the ascent loop begins.
package enum AscentStart: Sendable, Hashable {
    case image
    /// Uniformly in the ball, or (L∞) in this share of each value's budget.
    case uniform(share: Float)
    /// At the image plus normal noise of this standard deviation, projected onto the ball.
    case normal(deviation: Float)
}
