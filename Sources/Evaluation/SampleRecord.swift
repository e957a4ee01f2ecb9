/// One image at one radius.
package struct SampleRecord: Sendable, Hashable {
    /// Index in the data set.
    package var index: Int
    package var epsilon: Float
    package var label: Int
    /// Logits of the clean image.
    package var cleanLogits: [Float]
    /// Class predicted under the strongest perturbation found.
    package var prediction: Int
    /// Whether the label is among the five largest logits under attack.
    package var isInTop5: Bool
    /// Cross-entropy under attack.
    package var loss: Float
    /// Sizes of the perturbation.
    package var linf: Float
    package var l2: Float

    package var isCorrect: Bool { prediction == label }

    /// As numbers, to travel between ranks: all of them are exact in float64.
    var encoded: [Double] {
        [
            Double(index), Double(epsilon), Double(label), Double(prediction), isInTop5 ? 1 : 0, Double(loss), Double(linf),
            Double(l2),
        ] + cleanLogits.map(Double.init)
    }

    init(
        index: Int, epsilon: Float, label: Int, cleanLogits: [Float], prediction: Int, isInTop5: Bool, loss: Float,
        linf: Float, l2: Float
    ) {
        self.index = index
        self.epsilon = epsilon
        self.label = label
        self.cleanLogits = cleanLogits
        self.prediction = prediction
        self.isInTop5 = isInTop5
        self.loss = loss
        self.linf = linf
        self.l2 = l2
    }

    static func encodedCount(classes: Int) -> Int { 8 + classes }

    init(encoded values: ArraySlice<Double>) {
        let v = Array(values)
        self.init(
            index: Int(v[0]), epsilon: Float(v[1]), label: Int(v[2]), cleanLogits: v[8...].map { Float($0) },
            prediction: Int(v[3]), isInTop5: v[4] == 1, loss: Float(v[5]), linf: Float(v[6]), l2: Float(v[7]))
    }
}
