/// A measure of how well a map agrees with a truth, for one image.
///
/// P is the map and Q the truth, values in [0, 1] of N pixels. F are the truth's positive pixels, those that a binary mask would
/// protect: 1 − Q < threshold. Means and deviations are over all pixels, the deviation that of a population.
///
/// After Z. Bylinskii et al., "What do different evaluation metrics tell us about saliency models?", IEEE TPAMI 41, 2019; T. Judd
/// et al., ICCV 2009 (AUC); L. Zhang et al., Journal of Vision 8(7), 2008 (shuffled AUC); J. Zhang et al., ECCV 2016 (pointing
/// game).
package enum Score: String, Sendable, Hashable, CaseIterable, Codable {
    /// CC: Pearson's correlation of P and Q, −1 to 1.
    case correlation = "cc"
    /// SIM: Σ min(p, q), where p and q are P and Q, stretched to [0, 1], divided by their sums. 0 to 1.
    case similarity = "sim"
    /// KL: Σ q·ln(ε + q / (p + ε)), where p and q are P and Q divided by their sums. From 0 up, 0 is best; where P is zero and
    /// the truth is not, ε decides.
    case divergence = "kl"
    /// NSS: the mean over F of (P − mean) / deviation.
    case scanpath = "nss"
    /// AUC-Judd: the area under the ROC of P as a detector of F, all other pixels being negative: the chance that a positive pixel
    /// has more salience than a negative one, where equal ones count a half. Every value of P is a threshold; nothing is jittered.
    case auc = "auc"
    /// Shuffled AUC: the same with the positive pixels of all other images as negatives, each of those images having the same
    /// weight. Nothing is drawn at random. A map that is the same for every image has a mean of exactly 0.5.
    case shuffledAUC = "shuffled-auc"
    /// IoU of the pixels that a binary mask would protect by P, with F.
    case overlap = "iou"
    /// IoU of the |F| most salient pixels of P with F; the expected one where the last places fall among equal pixels.
    case overlapAtEqualArea = "iou-equal-area"
    /// IoU of a stated share of the image, the most salient pixels of P, with F; as the one before.
    case overlapAtCoverage = "iou-coverage"
    /// Pointing game: the share of P's greatest pixels (more than one only where they are equal) that lie in F.
    case pointing = "pointing"
    /// Energy inside: ΣP over F / ΣP.
    case energy = "energy"

    /// What a table calls it.
    package var title: String {
        switch self {
        case .correlation: "CC"
        case .similarity: "SIM"
        case .divergence: "KL"
        case .scanpath: "NSS"
        case .auc: "AUC"
        case .shuffledAUC: "shuffled AUC"
        case .overlap: "IoU"
        case .overlapAtEqualArea: "IoU at equal area"
        case .overlapAtCoverage: "IoU at coverage"
        case .pointing: "pointing"
        case .energy: "energy inside"
        }
    }

    /// Whether more is better.
    package var isGain: Bool { self != .divergence }
}

/// What scores depend on besides the maps.
package struct ScoreSettings: Sendable, Hashable, Codable {
    /// A pixel is salient where 1 − S is less, as for a binary mask.
    package var threshold: Float
    /// Share of the image for `Score.overlapAtCoverage`; nil: it is not computed.
    package var coverage: Double?
    /// KL's ε: that of the MIT saliency benchmark is float64's machine epsilon.
    package var epsilon: Double

    package init(threshold: Float = 0.5, coverage: Double? = nil, epsilon: Double = 0x1p-52) {
        self.threshold = threshold
        self.coverage = coverage
        self.epsilon = epsilon
    }

    /// The scores that are computed, in the order of `Score.allCases`.
    package var scores: [Score] { Score.allCases.filter { $0 != .overlapAtCoverage || coverage != nil } }
}
