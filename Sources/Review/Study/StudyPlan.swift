import Diagnostics
import Foundation
import Kernels
import Salience

/// `plan.json` of a study: which pictures are compared, and by what rules. The log's chain begins at its hash.
package struct StudyPlan: Codable, Hashable, Sendable {
    package static let currentFormat = 1

    /// A model, and which pixels its attack may change.
    package struct Method: Codable, Hashable, Sendable {
        package var name: String
        /// The weights' file, and the SHA-256 of its bytes.
        package var weights: String
        package var sha256: String
        package var network: String
        /// `all`, or `background`: the pixels that are not salient.
        package var region: String
        /// How the background is told from the rest: 1 − salience is at least this, or all but the most salient share.
        package var threshold: Float
        package var coverage: Double?

        package init(name: String, weights: String, sha256: String, network: String, region: String, threshold: Float, coverage: Double?) {
            (self.name, self.weights, self.sha256, self.network) = (name, weights, sha256, network)
            (self.region, self.threshold, self.coverage) = (region, threshold, coverage)
        }
    }

    /// A method at a radius.
    package struct Condition: Codable, Hashable, Sendable {
        package var method: String
        package var epsilon: Float
        /// What 8 bits did to its pictures.
        package var rounding: Rounding

        package init(method: String, epsilon: Float, rounding: Rounding) { (self.method, self.epsilon, self.rounding) = (method, epsilon, rounding) }
    }

    /// Screens show 256 steps, attacks know more: every value is set to the nearest step within the radius.
    package struct Rounding: Codable, Hashable, Sendable {
        package var pictures = 0
        /// The largest change of any value, as the attack left it (in pixel values), and in steps of 1/255 as it is shown.
        package var exactLargest: Float = 0
        package var shownLargest = 0
        /// Mean share of the values that the attack changed, and that are changed as shown.
        package var exactChanged = 0.0
        package var shownChanged = 0.0
        /// Pictures that the model gets wrong, as they are, as the attack left them, and as shown.
        package var cleanWrong = 0
        package var exactWrong = 0
        package var shownWrong = 0

        package init() {}

        /// Takes in those of another picture or of more; shares are sums until `mean`.
        package mutating func add(_ other: Rounding) {
            pictures += other.pictures
            (exactLargest, shownLargest) = (max(exactLargest, other.exactLargest), max(shownLargest, other.shownLargest))
            (exactChanged, shownChanged) = (exactChanged + other.exactChanged, shownChanged + other.shownChanged)
            (cleanWrong, exactWrong, shownWrong) = (cleanWrong + other.cleanWrong, exactWrong + other.exactWrong, shownWrong + other.shownWrong)
        }

        /// Shares as means over the pictures.
        package var mean: Rounding {
            var mean = self
            mean.exactChanged /= Double(max(1, pictures))
            mean.shownChanged /= Double(max(1, pictures))
            return mean
        }
    }

    package var format = StudyPlan.currentFormat
    package var when: String
    package var createdBy: String
    package var arguments: [String]
    package var dataset: SalienceProvenance.Dataset
    package var salienceFingerprint: String?
    package var methods: [Method]
    /// Those that are compared, methods in order, radii in order within each.
    package var conditions: [Condition]
    package var settings: StudySettings
    package var width: Int
    package var height: Int
    package var channels: Int
    /// SHA-256 of `pictures.jsonl`, which has the hash of every picture, and of `instructions.txt`; nil for the page's own words.
    package var picturesHash: String
    package var instructionsHash: String?
    package var notes: [String]

    /// `StudyWriter` fills in the hashes and the roundings.
    package init(
        when: String, createdBy: String, arguments: [String], dataset: SalienceProvenance.Dataset, salienceFingerprint: String?, methods: [Method],
        conditions: [Condition], settings: StudySettings, width: Int, height: Int, channels: Int, notes: [String]
    ) {
        (self.when, self.createdBy, self.arguments) = (when, createdBy, arguments)
        (self.dataset, self.salienceFingerprint, self.methods, self.conditions, self.settings) = (dataset, salienceFingerprint, methods, conditions, settings)
        (self.width, self.height, self.channels, self.notes) = (width, height, channels, notes)
        (picturesHash, instructionsHash) = ("", nil)
    }
}

/// The rules of a study.
package struct StudySettings: Codable, Hashable, Sendable {
    package var seed: UInt64 = 0
    /// Pairs shown to each person, catch trials among them.
    package var trials = 100
    /// Share of them in which the change is plain.
    package var catchShare = 0.1
    /// How far every value of a catch trial's picture is moved, at random up or down.
    package var catchEpsilon: Float = 64.0 / 255
    /// Who gets fewer of the catch trials right than this share is named, and left out of the pooled figures.
    package var catchPass = 0.8
    package var steps = 20
    /// Pixels of the screen for one of the image, along each side.
    package var scale = 1

    package init() {}

    package var catches: Int { Int((catchShare * Double(trials)).rounded()) }
    package var tests: Int { trials - catches }

    /// As large as a picture of 384 pixels allows, in whole steps.
    package static func standardScale(width: Int, height: Int) -> Int { max(1, 384 / max(width, height, 1)) }

    /// - Throws: `Failure.usage` naming the flag.
    package func check() throws {
        guard (2...100_000).contains(trials) else { throw Failure.usage("--trials is \(trials), expected 2 to 100000") }
        guard catchShare >= 0, catchShare <= 0.5 else { throw Failure.usage("--catch is \(catchShare), expected a share from 0 to 0.5", remedy: "0.1 is a tenth") }
        guard catchEpsilon >= 16.0 / 255, catchEpsilon <= 1 else {
            throw Failure.usage("--catch-epsilon is \(catchEpsilon), expected 16/255 to 1", remedy: "everybody who looks must see it")
        }
        guard catchPass >= 0, catchPass <= 1 else { throw Failure.usage("--catch-pass is \(catchPass), expected a share from 0 to 1") }
        guard (1...10_000).contains(steps) else { throw Failure.usage("--steps is \(steps), expected 1 or more") }
        guard (1...64).contains(scale) else { throw Failure.usage("--scale is \(scale), expected 1 to 64", remedy: "1: a pixel of the screen for each of the image") }
    }
}

/// One file of `pictures`: a line of `pictures.jsonl`.
package struct StudyPicture: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case clean
        case perturbed
        case planted
    }

    package var kind: Kind
    /// The image's place in the study.
    package var image: Int
    /// Its number in the data set's split.
    package var index: Int
    package var name: String
    package var label: String
    /// `perturbed`: place of its condition.
    package var condition: Int?
    package var file: String
    /// Of the file.
    package var sha256: String
    /// The largest change of any value, in steps of 1/255.
    package var largest: Int
    /// The share of values that are changed.
    package var changed: Double
}

/// Where the files of a study are.
package struct StudyFolder: Hashable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    package var plan: String { path + "/plan.json" }
    package var list: String { path + "/pictures.jsonl" }
    package var pictures: String { path + "/pictures" }
    package var instructions: String { path + "/instructions.txt" }
    var unfinished: String { path + "/unfinished.jsonl" }
    package var log: String { path + "/log.jsonl" }
    package var people: String { path + "/people.json" }
    package var keys: String { path + "/keys.json" }

    package static let again = "restore the folder, or plan the study again: sipat study plan"

    /// The plan, its hash, and the list of pictures, whose hash it names.
    ///
    /// - Throws: `Failure` when something is missing or is none.
    package func read() throws -> (plan: StudyPlan, hash: String, pictures: [StudyPicture]) {
        let file = PlanFile(path: plan, noun: "study", command: "sipat study plan --weights …", remedy: StudyFolder.again)
        let (read, hash) = try file.read(StudyPlan.self)
        guard read.format == StudyPlan.currentFormat, (1...65_536).contains(read.width), (1...65_536).contains(read.height), !read.conditions.isEmpty else {
            throw Failure.badData("\(plan): format \(read.format), \(read.conditions.count) conditions of \(read.width)×\(read.height) mean nothing here", remedy: StudyFolder.again)
        }
        try read.settings.check()
        try file.require(list, hash: read.picturesHash)
        if let hash = read.instructionsHash { try file.require(instructions, hash: hash) }
        let pictures = try ReadableFile.contents(of: list).split(separator: 0x0A).enumerated().map { number, line -> StudyPicture in
            guard let picture = try? decodedJSON(StudyPicture.self, from: line), picture.condition.map({ read.conditions.indices.contains($0) }) ?? true else {
                throw Failure.badData("\(list):\(number + 1): is not a picture of a study", remedy: StudyFolder.again)
            }
            return picture
        }
        return (read, hash, pictures)
    }
}

/// A radius as people write it: 8/255 where it is a whole number of steps.
package func radiusText(_ epsilon: Float) -> String {
    let steps = (epsilon * 255).rounded()
    return abs(epsilon * 255 - steps) < 1e-3 ? "\(Int(steps))/255" : "\(epsilon)"
}
