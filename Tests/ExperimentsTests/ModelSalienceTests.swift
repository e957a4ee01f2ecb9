import Checkpoints
import Diagnostics
import Experiments
import Foundation
import Kernels
import NeuralNet
import Salience
import Testing

/// A small network and what PyTorch says of it in float64 (Tests/NeuralNetTests/Fixtures/make_golden.py).
private struct Golden {
    let file: SafetensorsFile
    let state: ModelState
    let shape: ImageShape
    let count: Int
    let images: FloatBuffer

    init() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try SafetensorsFile(tests.path + "/NeuralNetTests/Fixtures/cnn-w4-imagenet.safetensors")
        let sides = try #require(file.shape(of: "x"))
        count = sides[0]
        shape = ImageShape(height: sides[2], width: sides[3], channels: sides[1])
        let configuration = try ModelConfiguration(name: "cnn", width: 4, normalization: ImageNormalization.Preset.imagenet.normalization)
        state = ModelState(network: try configuration.network(input: shape, classes: 10))
        for (index, layout) in state.layouts.enumerated() { state.load(index, try file.floats(of: "param/\(layout.name)")) }
        images = FloatBuffer(try Self.channelsLast(file.floats(of: "x"), shape))
    }

    /// From PyTorch's order (NCHW) to ours.
    private static func channelsLast(_ values: [Float], _ shape: ImageShape) -> [Float] {
        values.indices.map { i in
            let (image, pixel, channel) = (i / shape.count, i / shape.channels % shape.pixels, i % shape.channels)
            return values[(image * shape.channels + channel) * shape.pixels + pixel]
        }
    }

    /// |values| of a stored [images, channels, height, width], one for each pixel of an image.
    func reduced(_ name: String, image: Int, _ combine: ([Float]) -> Float) throws -> [Float] {
        let values = try Self.channelsLast(file.floats(of: name), shape)
        return (0..<shape.pixels).map { pixel in
            let start = image * shape.count + pixel * shape.channels
            return combine(values[start..<start + shape.channels].map(abs))
        }
    }

    func estimator(_ name: ModelEstimatorName, _ change: (inout ModelSalienceSettings) -> Void = { _ in }) -> ModelSalience {
        var settings = ModelSalienceSettings(name)
        change(&settings)
        let model = FrozenModel(network: state.network)
        model.freeze(state)
        return ModelSalience(settings, model: model, modelName: "cnn", weightsHash: "hash")
    }

    func image(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(images.pointer + index * shape.count) }

    func map(_ estimator: ModelSalience, _ index: Int, as number: Int? = nil) throws -> [Float] {
        var map = [Float](repeating: .nan, count: shape.pixels)
        try estimator.estimate(image(index), index: number ?? index, label: 0, into: &map)
        return map
    }
}

private func distance(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count, !a.contains(where: \.isNaN) else { return .infinity }
    let difference = zip(a, b).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    return (difference / b.reduce(0.0) { $0 + Double($1 * $1) }).squareRoot()
}

@Suite("Salience from a model")
struct ModelSalienceTests {
    private let golden: Golden

    init() throws { golden = try Golden() }

    /// All of it behind ImageNet's normalisation, for the class that the network predicts.
    @Test func isPyTorchs() throws {
        for image in 0..<golden.count {
            for channels in ModelSalienceSettings.Channels.allCases {
                func expected(_ name: String) throws -> [Float] {
                    try golden.reduced(name, image: image) { channels == .max ? $0.max()! : $0.reduce(0, +) }
                }
                let gradient = golden.estimator(.gradient) { $0.channels = channels }
                #expect(try distance(gradient.values(golden.image(image), index: image, label: 0), expected("salience/gradient")) < 1e-5)
                let integrated = golden.estimator(.integratedGradients) { $0.channels = channels }
                #expect(try distance(integrated.values(golden.image(image), index: image, label: 0), expected("salience/integrated")) < 1e-5)
                let difference = try golden.file.floats(of: "salience/difference")[image]
                #expect(abs(integrated.completeness[0].difference - Double(difference)) < 1e-5 * (1 + abs(Double(difference))))
            }
            let camera = try golden.estimator(.gradCAM).values(golden.image(image), index: image, label: 0)
            let expected = Array(try golden.file.floats(of: "salience/grad_cam")[(image * golden.shape.pixels)..<((image + 1) * golden.shape.pixels)])
            #expect(distance(camera, expected) < 1e-5 || expected.allSatisfy { $0 == 0 } && camera == expected)
        }
    }

    @Test func integratedGradientsAddUpTheMoreStepsTheyTake() throws {
        var errors: [Double] = []
        for steps in [1, 8, 64, 512] {
            let estimator = golden.estimator(.integratedGradients) { $0.steps = steps }
            for image in 0..<golden.count { _ = try golden.map(estimator, image) }
            #expect(estimator.completeness.map(\.index) == Array(0..<golden.count))
            errors.append(estimator.completeness.reduce(0) { $0 + abs($1.sum - $1.difference) })
        }
        #expect(errors[3] < 0.1 * errors[0] && errors[3] < 0.02, "\(errors)")
    }

    /// Of a linear part of the network the gradient is the same everywhere: noise changes nothing. And the same image has other
    /// noise in another place.
    @Test func smoothGradAveragesOverNoiseOfItsOwn() throws {
        let plain = golden.estimator(.smoothGrad) { $0.noise = 0 }
        let one = golden.estimator(.smoothGrad) { ($0.noise, $0.samples) = (0, 1) }
        #expect(try distance(golden.map(plain, 1), golden.map(one, 1)) < 1e-6)
        let noisy = golden.estimator(.smoothGrad)
        let first = try golden.map(noisy, 1)
        #expect(try first == golden.map(golden.estimator(.smoothGrad), 1) && first == golden.map(noisy, 1))
        #expect(try first != golden.map(noisy, 1, as: 2) && first != golden.map(plain, 1))
        #expect(try first != golden.map(golden.estimator(.smoothGrad) { $0.seed = 1 }, 1))
        // Averages of many copies come to the same.
        let values = try [0, 1].map { seed in
            try golden.estimator(.smoothGrad) { ($0.samples, $0.seed) = (400, seed) }.values(golden.image(0), index: 0, label: 0)
        }
        #expect(distance(values[0], values[1]) < 0.25, "\(distance(values[0], values[1]))")
    }

    @Test func mapsAreRanks() throws {
        for name in ModelEstimatorName.allCases {
            let map = try golden.map(golden.estimator(name), 2)
            #expect(map.allSatisfy { (0...1).contains($0) }, "\(name)")
            guard name != .gradCAM else { continue }
            let values = try golden.estimator(name).values(golden.image(2), index: 2, label: 0)
            #expect(map.max() == 1 && map.min() == 0)
            let order = values.indices.sorted { values[$0] < values[$1] }
            #expect(zip(order, order.dropFirst()).allSatisfy { map[$0] <= map[$1] }, "\(name)")
            #expect(abs(Double(map.count { $0 >= 0.7 }) / Double(map.count) - 0.3) < 0.01, "\(name)")
        }
    }

    @Test func theClassIsThePredictedOneUnlessAnotherIsGiven() throws {
        let pass = golden.estimator(.gradient)
        let maps = try (0..<10).map { index in try golden.map(golden.estimator(.gradCAM) { $0.target = .index(index) }, 0) }
        let predicted = try golden.map(golden.estimator(.gradCAM), 0)
        #expect(maps.count { $0 == predicted } == 1 && Set(maps).count > 5)
        var labelled = [Float](repeating: 0, count: golden.shape.pixels)
        for label in [0, 7] {
            try golden.estimator(.gradCAM) { $0.target = .label }.estimate(golden.image(0), index: 0, label: label, into: &labelled)
            #expect(labelled == maps[label])
        }
        #expect(throws: Failure.self) { try golden.map(golden.estimator(.gradient) { $0.target = .index(10) }, 0) }
        #expect(pass.provenance.settings["class"] == .text("predicted") && pass.provenance.settings["weights"] == .text("hash"))
    }

    @Test func aModelThatDivergedIsRefused() throws {
        golden.state.parameters.fill(.nan)
        let failure = #expect(throws: Failure.self) { try golden.map(golden.estimator(.gradient), 3) }
        #expect(failure?.message.contains("image 3") == true)
    }
}
