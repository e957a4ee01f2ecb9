import Datasets
import Diagnostics
import Recipes
import Training

/// Whether a pilot can be made of these images and maps at all.
struct PilotDataCheck {
    let notes: [String]

    /// A class needs so many training images for some to be held out and others to be learnt from.
    private static let leastTrained = 5

    /// - Throws: `Failure.badData` naming classes and counts.
    init(_ data: TrainingData, _ test: any ImageSource, _ recipe: Recipe, methods: [PilotMethod]) throws {
        let training = data.dataset
        let place = recipe.data.directory.isEmpty ? training.name : recipe.data.directory
        let names = training.classNames
        if recipe.data.name == .images, let empty = try recipe.imagesConfiguration.emptyClasses(at: recipe.data.directory).first {
            throw Failure.badData("\(place): the class \(empty) is empty", remedy: "add some, or remove the folder \(empty)")
        }
        guard names.count >= 2 else {
            throw Failure.badData(
                "\(place): there is one class only\(names.first.map { " (\($0))" } ?? ""), so there is nothing to tell apart",
                remedy: "give two or more, such as images with a fault and images without: a folder for each class, or data.labelFrom")
        }
        guard test.classNames == names else {
            throw Failure.badData(
                "\(place): the training split has the classes \(names.joined(separator: ", ")), the test split \(test.classNames.joined(separator: ", "))",
                remedy: "both need the same ones")
        }
        var notes: [String] = []
        for (label, name) in names.enumerated() {
            let (trained, tested) = (training.labels.count { $0 == label }, test.labels.count { $0 == label })
            guard trained > 0 else {
                throw Failure.badData("\(place): the class \(name) has no training image", remedy: "add some, or leave the class out")
            }
            guard tested > 0 else {
                throw Failure.badData(
                    "\(place): the class \(name) has no test image (\(trained) for training)",
                    remedy: "add some, or draw the test images anew: sipat data pack --test-share 0.2")
            }
            guard trained >= Self.leastTrained else {
                throw Failure.badData(
                    "\(place): the class \(name) has \(trained) training image\(trained == 1 ? "" : "s"), expected at least \(Self.leastTrained)",
                    remedy: "a pilot wants fifty images of a class, and better a few hundred; add images, or leave the class out")
            }
            if trained < 50 || tested < 20 { notes.append("warning: the class \(name) has \(trained) training and \(tested) test images: little can be said of it") }
        }
        let states = training.salienceCounts
        guard states.map > 0 else {
            throw Failure.badData(
                "\(recipe.salience.maps.isEmpty ? place : recipe.salience.maps): no training image has a map (\(states.summary)), so SIP-AT would be adversarial training",
                remedy: "give maps that mark something: sipat salience import, or --estimator centre-prior")
        }
        guard states.map > 1 || !methods.contains(.shuffled) else {
            throw Failure.badData(
                "\(recipe.salience.maps.isEmpty ? place : recipe.salience.maps): one training image only has a map (\(states.summary)), so the control sip-shuffled has no other image's map to give",
                remedy: "give maps of two images or more, and better of all; without the control nothing will be recommended")
        }
        if try PilotMaterial.SalienceFacts.isByName(training, recipe) {
            notes.append(
                "warning: \(recipe.salience.maps): was made for images of these names that are not these (another size, a part of them, or other pictures): "
                    + "look at the maps first, sipat salience sheet")
        }
        if states.map * 2 < states.all { notes.append("warning: \(states.summary): SIP-AT treats images without a map as adversarial training does") }
        self.notes = notes
    }
}
