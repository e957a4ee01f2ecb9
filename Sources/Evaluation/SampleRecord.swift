/// One image at one radius.
package struct SampleRecord: Sendable, Hashable {
    /// Index in the data set.
    package var index: Int
    package var epsilon: Float
    package var label: Int
    /// Logits of the clean image.
    package var cleanLogits: [Float]
    /// Class predicted for the clean image.
    package var cleanPrediction: Int
    /// Class predicted under the strongest perturbation found; the clean image's where none was tried.
    package var prediction: Int
    /// Cross-entropy there.
    package var loss: Float
    /// Sizes of the perturbation.
    package var linf: Float
    package var l2: Float
    /// Whether the region holds no pixel of this image, so that there was nothing to attack.
    package var hasEmptyRegion: Bool
    /// Whether the loss had no gradient where an attack started.
    package var hadZeroGradient: Bool

    /// Right as it is, and under every perturbation tried.
    package var isRobust: Bool { cleanPrediction == label && prediction == label }

    /// As numbers, to travel between ranks: all of them are exact in float64.
    var encoded: [Double] {
        [
            Double(index), Double(epsilon), Double(label), Double(cleanPrediction), Double(prediction), Double(loss),
            Double(linf), Double(l2), hasEmptyRegion ? 1 : 0, hadZeroGradient ? 1 : 0,
        ] + cleanLogits.map(Double.init)
    }

    init(
        index: Int, epsilon: Float, label: Int, cleanLogits: [Float], cleanPrediction: Int, prediction: Int, loss: Float,
        linf: Float = 0, l2: Float = 0, hasEmptyRegion: Bool = false, hadZeroGradient: Bool = false
    ) {
        self.index = index
        self.epsilon = epsilon
        self.label = label
        self.cleanLogits = cleanLogits
        self.cleanPrediction = cleanPrediction
        self.prediction = prediction
        self.loss = loss
        self.linf = linf
        self.l2 = l2
        self.hasEmptyRegion = hasEmptyRegion
        self.hadZeroGradient = hadZeroGradient
    }

    static func encodedCount(classes: Int) -> Int { 10 + classes }

    init(encoded values: ArraySlice<Double>) {
        let v = Array(values)
        self.init(
            index: Int(v[0]), epsilon: Float(v[1]), label: Int(v[2]), cleanLogits: v[10...].map { Float($0) },
            cleanPrediction: Int(v[3]), prediction: Int(v[4]), loss: Float(v[5]), linf: Float(v[6]), l2: Float(v[7]),
            hasEmptyRegion: v[8] == 1, hadZeroGradient: v[9] == 1)
    }
}
