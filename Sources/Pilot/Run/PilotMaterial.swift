import Datasets
import Diagnostics
import Digests
import Evaluation
import Experiments
import Foundation
import Recipes
import Salience
import Training

/// What a pilot's report tells of images and maps: `material.json`. It follows from the plan and the data alone.
package struct PilotMaterial: Codable, Sendable, Hashable {
    package struct Split: Codable, Sendable, Hashable {
        package var split: String
        package var fingerprint: String
        /// By class.
        package var counts: [Int]
        /// Nil where each image stands for itself.
        package var groups: Int?
    }

    package struct Skipped: Codable, Sendable, Hashable {
        package var path: String
        package var reason: String
    }

    /// On whose word maps are.
    package struct Word: Codable, Sendable, Hashable {
        package var kind: String
        /// A person, an estimator, a format.
        package var name: String
        package var summary: String
        package var images: Int
    }

    package struct Coverage: Codable, Sendable, Hashable {
        package var name: String
        package var images: Int
        /// Mean share of an image that is protected, over images with a map.
        package var share: Double
    }

    package struct Example: Codable, Sendable, Hashable {
        package var index: Int
        package var label: Int
        package var image: String
        package var outline: String
        package var width: Int
        package var height: Int
        package var share: Double
        /// On whose word: the kind and the name of an origin, and what a review decided, if it did.
        package var kind: String
        package var word: String
        package var decision: String?
    }

    package struct SalienceFacts: Codable, Sendable, Hashable {
        package var fingerprint: String
        package var states: SalienceCounts
        package var words: [Word]
        /// Every image is counted in one of these, or is unseen. First those that nobody looked at here: of estimators and rules,
        /// and given with the data or marked by people elsewhere, empty maps among them.
        package var machine = 0
        package var given = 0
        /// Those that people looked at here, and left as they were, changed, or found to have nothing salient.
        package var confirmed = 0
        package var corrected = 0
        package var confirmedEmpty = 0
        package var coverage: [Coverage]
        package var examples: [Example]
        package var rule: String
        /// What counts as salient, as the maps' folder has it; nil where nobody wrote it down.
        package var policy: String?
        /// Whether the maps were found by the images' names only.
        package var isByName = false
        /// Hashes of the plans of the reviews that maps come from.
        package var reviews: [String] = []
    }

    package var format = 2
    package var name: String
    /// Height, width, channels.
    package var shape: [Int]
    package var classNames: [String]
    package var splits: [Split]
    /// Training images held out for choosing the checkpoint.
    package var heldOut: Int
    package var trained: Int
    /// Copies of an image that is there already, of which some are in the other split, and of which some have another label.
    package var duplicates: Int
    package var duplicatesAcross: Int
    package var duplicatesContradicting: Int
    package var skipped: [Skipped]
    package var salience: SalienceFacts
    /// Of the test images, by a manifest's column.
    package var attributes: [String: [String?]]
    /// Of the test images: equal numbers are of one group. Nil where each image stands for itself, and in files of older versions.
    package var testGroups: [Int]?

    /// Reads every image and every map.
    ///
    /// - Throws: `Failure` naming the file at fault.
    init(_ plan: PilotPlan) throws {
        let recipe = try plan.recipe(.sipAT, seed: plan.seeds[0])
        let data = try TrainingData(recipe)
        let training = data.dataset
        let test = try PilotSources.test(recipe)
        // The plan may have been edited since it was made.
        _ = try PilotDataCheck(data, test, recipe, methods: plan.allMethods)
        name = training.name
        shape = [training.imageShape.height, training.imageShape.width, training.imageShape.channels]
        classNames = training.classNames
        splits = [Self.split("train", training), Self.split("test", test)]
        (heldOut, trained) = (data.validation.count, data.training.count)
        (duplicates, duplicatesAcross, duplicatesContradicting) = try Self.duplicates(training, test)
        skipped = try Self.skipped(recipe)
        salience = try SalienceFacts(training, recipe)
        attributes = try test.attributes()
        testGroups = test.groups.map { $0.map { Int($0) } }
    }

    private static func split(_ name: String, _ images: any ImageSource) -> Split {
        Split(
            split: name, fingerprint: images.fingerprint,
            counts: (0..<images.classes).map { label in images.labels.count { $0 == label } }, groups: images.groups.map { Set($0).count })
    }

    private static func duplicates(_ training: any ImageSource, _ test: any ImageSource) throws -> (all: Int, across: Int, contradicting: Int) {
        var first: [String: (split: Int, label: Int32)] = [:]
        var (all, across, contradicting) = (0, 0, 0)
        var bytes = [UInt8](repeating: 0, count: training.imageShape.count)
        for (split, images) in [training, test].enumerated() {
            for index in 0..<images.count {
                _ = try bytes.withUnsafeMutableBufferPointer { try images.read(index, .none, into: $0.baseAddress!) }
                let hash = SHA256.hex(of: bytes)
                guard let known = first[hash] else {
                    first[hash] = (split, images.labels[index])
                    continue
                }
                all += 1
                if known.split != split { across += 1 }
                if known.label != images.labels[index] { contradicting += 1 }
            }
        }
        return (all, across, contradicting)
    }

    private struct Pack: Decodable { var skipped: [Skipped]? }

    private static func skipped(_ recipe: Recipe) throws -> [Skipped] {
        guard recipe.data.name == .images else { return [] }
        return try readJSON(Pack.self, recipe.data.directory + "/pack.json")?.skipped ?? []
    }
}

/// The images of a pilot, opened as training and evaluation open them.
enum PilotSources {
    static func test(_ recipe: Recipe) throws -> any ImageSource {
        try DatasetLoader.source(
            name: recipe.data.name.rawValue, directory: recipe.data.directory, synthetic: recipe.syntheticConfiguration, images: recipe.imagesConfiguration, split: .test)
    }

    /// A PNG as a data URI; nil for images of neither one channel nor three.
    static func picture(_ images: any ImageSource, _ index: Int) throws -> String? {
        guard [1, 3].contains(images.imageShape.channels) else { return nil }
        var values = [Float](repeating: 0, count: images.imageShape.count)
        try images.read(index, values: &values)
        return try ReportPicture.uri(values, images.imageShape)
    }
}
