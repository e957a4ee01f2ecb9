import Attacks
import Evaluation

/// What is asked of an evaluation that keeps a line for each image and attack.
package struct LedgerRequest: Sendable {
    /// Names of attacks, in order; empty for the clean accuracy alone.
    package var attacks: [String]
    package var pgd: EvaluationAttacks.PGD
    /// Regions besides the whole image.
    package var regions: [EvaluationProtocol.Region]
    /// The folder; nil to keep all in memory.
    package var output: String?
    /// Whether the folder holds the beginning.
    package var resumes: Bool
    package var keepsImages: Bool
    /// Folders of earlier evaluations.
    package var against: [String]
    /// Weights that transfer attacks are made on.
    package var transferFrom: String?
    /// The command line, for those who go on with it.
    package var arguments: [String]
    package var program: String

    package init(
        attacks: [String], pgd: EvaluationAttacks.PGD, regions: [EvaluationProtocol.Region] = [], output: String? = nil, resumes: Bool = false,
        keepsImages: Bool = false, against: [String] = [], transferFrom: String? = nil, arguments: [String] = [], program: String
    ) {
        self.attacks = attacks
        self.pgd = pgd
        self.regions = regions
        self.output = output
        self.resumes = resumes
        self.keepsImages = keepsImages
        self.against = against
        self.transferFrom = transferFrom
        self.arguments = arguments
        self.program = program
    }
}
