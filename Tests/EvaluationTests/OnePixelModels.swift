import Datasets
import Foundation
import Kernels
import NeuralNet

/// Models of one pixel x with two classes, whose logits are (f(x), 0): everything about them can be computed by hand.
final class OnePixelModel: DifferentiableClassifier {
    let classes = 2
    let imageShape = ImageShape(height: 1, width: 1, channels: 1)
    let capacity: Int
    private let function: (Double) -> Double
    private let derivative: (Double) -> Double
    /// Images that the model has seen, over all calls.
    private(set) var seen = 0

    init(capacity: Int = 4, _ function: @escaping (Double) -> Double, derivative: @escaping (Double) -> Double) {
        self.capacity = capacity
        self.function = function
        self.derivative = derivative
    }

    /// f(x) = slope · (x − threshold): class 0 above the threshold, which an attack reaches when it is nearer than ε.
    static func line(threshold: Double, slope: Double = 1, capacity: Int = 4) -> OnePixelModel {
        OnePixelModel(capacity: capacity, { slope * ($0 - threshold) }, derivative: { _ in slope })
    }

    /// f(x) = sin 8πx: an attack that goes far enough comes out on the other side.
    static func wave() -> OnePixelModel {
        OnePixelModel({ sin(8 * .pi * $0) }, derivative: { 8 * .pi * cos(8 * .pi * $0) })
    }

    func logits(of images: UnsafePointer<Float>, batch: Int, into logits: UnsafeMutablePointer<Float>) {
        seen += batch
        for i in 0..<batch { (logits[2 * i], logits[2 * i + 1]) = (Float(function(Double(images[i]))), 0) }
    }

    func inputGradient(
        of images: UnsafePointer<Float>, batch: Int, into gradient: UnsafeMutablePointer<Float>,
        loss: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        var values = [Float](repeating: 0, count: 2 * batch)
        logits(of: images, batch: batch, into: &values)
        var slopes = values
        loss(values, &slopes)
        for i in 0..<batch { gradient[i] = slopes[2 * i] * Float(derivative(Double(images[i]))) }
    }
}

/// Images of one pixel each, in 255ths.
func pixels(_ values: [UInt8], labels: [Int32], salience: [Float]? = nil, annotated: [Bool]? = nil) throws -> any ImageSource {
    let dataset = ImageDataset(
        name: "pixels", imageShape: ImageShape(height: 1, width: 1, channels: 1), classNames: ["above", "below"], pixels: values,
        labels: labels)
    guard let salience else { return dataset }
    return try dataset.attachingSalience(maps: salience, annotated: annotated, source: "test")
}
