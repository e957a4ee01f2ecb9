import Datasets
import Salience

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

    /// Training images in each state of salience. O(images).
    package var salienceCounts: SalienceCounts {
        training.reduce(into: SalienceCounts()) { $0[dataset.salienceState(of: $1)] += 1 }
    }

    /// Identifies the images and, where a run uses them, the salience maps.
    package var fingerprint: String {
        dataset.salienceFingerprint.map { "\(dataset.fingerprint), salience \($0)" } ?? dataset.fingerprint
    }
}
