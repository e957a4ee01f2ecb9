/// What was found out about one image: the line that checks are counted from.
struct ImageChecks: Sendable, Hashable, Codable {
    var index: Int
    /// Classified rightly as it is.
    var isRight = false
    /// The largest difference between the logits of five passes over it, and between those alone and in company; 0 for equal bits.
    var repeated = 0.0
    var inCompany = 0.0
    var lowest: Float = 0
    var highest: Float = 1
    /// Logits in [0, 1] with the sum 1.
    var looksLikeProbabilities = false
    /// Gradients (of cross-entropy and of the difference of the two largest logits, at the image and at a random start) that are
    /// zero in all values, or hold something that is no finite number.
    var zeroCrossEntropy = 0
    var zeroDifference = 0
    var notFinite = 0
    /// How far the gradient is from differences along it; nil where it was not compared.
    var gradientError: Double?
    /// Whether an attack of radius 0 gave another image or other logits.
    var changedAtZero = false
    /// Whether a masked pixel moved, or another move was not admissible.
    var inadmissible = false
    /// The attacks that it fell to, by name.
    var fallen: Set<String> = []
    /// The attacks that were tried on it.
    var tried: Set<String> = []
    /// Size of the largest perturbation relative to what is allowed, and how many were measured.
    var largest = 0.0
    var perturbed = 0
    var unconfirmed = 0
    /// Whether a weakness could be planted, and was found.
    var couldPlant = false
    var foundPlanted = false

    /// Names of attacks.
    enum Trial {
        static let fgsm = "fgsm"
        static let few = "pgd-10"
        static let many = "pgd-100"
        static let reference = "reference"
        static let referenceGradients = "reference-gradients"
        static let moreIterations = "more-iterations"
        static let moreRestarts = "more-restarts"
        static let square = "square"
        static let noise = "noise"
        static func sweep(_ place: Int) -> String { "sweep-\(place)" }
    }
}
