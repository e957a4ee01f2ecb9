/// What an attack did to one image, measured again from the images by a forward pass of its own.
package struct AttackOutcome: Sendable, Hashable, Codable {
    /// The image's place among those given, and its index in the data set.
    package var position: Int
    package var index: Int
    package var label: Int
    /// Whether the adversarial image is misclassified; the attack's own word is in `claim`.
    package var succeeded: Bool
    /// The class of the adversarial image.
    package var prediction: Int
    /// Classes whose logits there are above the label's, the first of equals counting as larger.
    package var rank: Int
    /// Its cross-entropy.
    package var loss: Float
    /// Sizes of the perturbation.
    package var linf: Float
    package var l2: Float
    package var claim: AttackClaim

    /// Whether the attack's word is the driver's finding: where it is not, the model draws random numbers, or answers for an
    /// image differently beside others.
    package var isConfirmed: Bool { succeeded == claim.succeeded }
}

/// One attack of a list, with the images that it was given.
package struct AttackRecord: Sendable, Hashable, Codable {
    package var attack: AttackDescription
    /// By position.
    package var outcomes: [AttackOutcome]

    package var fallen: Int { outcomes.count { $0.succeeded } }
    package var unconfirmed: Int { outcomes.count { !$0.isConfirmed } }
    package var zeroGradients: Int { outcomes.count { $0.claim.hasZeroGradient } }
}

/// What a list of attacks did to a set of images.
package struct WorstCase: Sendable, Hashable, Codable {
    /// The images as they are: class and cross-entropy.
    package var clean: [AttackOutcome]
    /// The attacks in order; none after the last image has fallen.
    package var records: [AttackRecord]

    /// Images that are right and withstand the first `count` attacks; nil for all.
    package func standing(after count: Int? = nil) -> Int {
        let right = clean.count { !$0.succeeded }
        return records.prefix(count ?? records.count).reduce(right) { $0 - $1.fallen }
    }

    /// By position: whether the image is right and withstands all attacks.
    package var isRobust: [Bool] {
        var robust = clean.map { !$0.succeeded }
        for record in records { for outcome in record.outcomes where outcome.succeeded { robust[outcome.position] = false } }
        return robust
    }
}
