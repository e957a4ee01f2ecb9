import Datasets

/// The images a run trains and validates on, with their salience maps.
package struct TrainingData: Sendable {
    package let dataset: any ImageSource
    /// Indices into the data set.
    package let training: [Int]
    package let validation: [Int]

    package init(dataset: any ImageSource, training: [Int], validation: [Int]) {
        self.dataset = dataset
        self.training = training
        self.validation = validation
    }

    /// Identifies the images and, where a run uses them, the salience maps.
    package var fingerprint: String {
        dataset.salienceFingerprint.map { "\(dataset.fingerprint), salience \($0)" } ?? dataset.fingerprint
    }
}
