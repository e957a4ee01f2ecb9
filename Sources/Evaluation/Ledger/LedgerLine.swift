import Attacks

/// What one attack did to one image: a line of `ledger.jsonl`.
///
/// A line follows from the model, the image, the attack and the seed alone, and never from ranks, batches, the order of work or
/// how often the evaluation was interrupted: two ledgers of the same evaluation hold the same lines.
package struct LedgerLine: Codable, Sendable, Hashable {
    /// The attack's name, or `clean` for the image as it is.
    package var attack: String
    /// The radius; 0 for `clean`.
    package var epsilon: Float
    package var region: EvaluationProtocol.Region
    /// Index in the data set.
    package var index: Int
    package var label: Int
    /// Whether the image that the attack made (for `clean`: the image itself) is misclassified, by a forward pass of the
    /// evaluator's own.
    package var success: Bool
    /// The class of that image.
    package var prediction: Int
    /// Classes whose logits there are above the label's, the first of equals counting as larger: below k is right in the top k.
    package var rank: Int
    /// Cross-entropy there.
    package var loss: Float
    /// Sizes of the perturbation.
    package var linf: Float
    package var l2: Float
    package var claim: AttackClaim
    /// Only for `clean`: how many pixels an attacker of each region may change; 0 is an empty region, which leaves the image out.
    package var freePixels: [String: Int]?
    /// Only for `clean`, where images of earlier models are tried: how many there are, by radius.
    package var candidates: [String: Int]?

    package static let clean = "clean"

    package init(
        attack: String, epsilon: Float, region: EvaluationProtocol.Region, outcome: AttackOutcome, freePixels: [String: Int]? = nil,
        candidates: [String: Int]? = nil
    ) {
        self.attack = attack
        self.epsilon = epsilon
        self.region = region
        index = outcome.index
        label = outcome.label
        success = outcome.succeeded
        prediction = outcome.prediction
        rank = outcome.rank
        loss = outcome.loss
        linf = outcome.linf
        l2 = outcome.l2
        claim = outcome.claim
        self.freePixels = freePixels
        self.candidates = candidates
    }

    /// Whether the attack's word is what the evaluator found: see `AttackOutcome.isConfirmed`.
    package var isConfirmed: Bool { success == claim.succeeded }
}

/// The first line of a ledger: whose it is.
package struct LedgerHeader: Codable, Sendable, Hashable {
    package var ledger = 1
    /// SHA-256 of the weights' file.
    package var model: String
    /// The data set's fingerprint.
    package var data: String
    /// SHA-256 of all that was asked (`EvaluationDescription`).
    package var evaluation: String

    package init(model: String, data: String, evaluation: String) {
        self.model = model
        self.data = data
        self.evaluation = evaluation
    }
}
