import Checkpoints
import Diagnostics
import Foundation
import Kernels
import NeuralNet
import Testing

/// Names and layers of other programs' DenseNets.
@Suite("A DenseNet's state_dict")
struct StateDictTests {
    private let folder: String
    private let state: ModelState

    init() throws {
        folder = NSTemporaryDirectory() + "sipat-state-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        state = .random(try ModelCase(name: "densenet121", width: 4).network(), seed: 1)
    }

    private func write(_ rename: (String) -> String) throws -> String {
        let path = folder + "/w.safetensors"
        let tensors = state.layouts.enumerated().map { index, layout in
            let values = state.exported(index)
            return SafetensorsTensor(name: rename(layout.name), shape: layout.shape, floats: { values })
        }
        try SafetensorsWriter(tensors).write(to: path)
        return path
    }

    /// torchvision's published files have norm.1 for norm1 inside dense layers, and nowhere else.
    @Test func oldNamesAreUnderstood() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func old(_ name: String) -> String {
            guard name.contains("denselayer") else { return name }
            return name.replacing("norm1", with: "norm.1").replacing("norm2", with: "norm.2").replacing("conv1", with: "conv.1").replacing("conv2", with: "conv.2")
        }
        for prefix in ["", "module.", "_orig_mod.model."] {
            let other = ModelState(network: state.network)
            let notes = try ModelWeights.load(write { prefix + old($0) }, into: other)
            #expect(other.parameters.array == state.parameters.array && other.buffers.array == state.buffers.array)
            #expect(notes.contains { $0.contains("norm.1") })
        }
    }

    @Test func aNewLastLayerStaysAsItWas() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let network = try ModelCase(name: "densenet121", width: 4, classes: 3).network()
        let other = ModelState(network: network, seed: 7)
        let (layer, before) = (network.linears[0], ModelState(network: network, seed: 7).parameters.array)
        let path = try write { $0 }
        #expect(throws: Failure.self) { try ModelWeights.load(path, into: other) }
        let notes = try ModelWeights.load(path, into: other, renewsLastLayer: true, words: .recipe)
        #expect(notes.contains { $0.contains("classifier, is new: the file tells 10 classes apart, the data 3") })
        let after = other.parameters.array
        #expect(after[layer.weight...] == before[layer.weight...] && layer.bias == layer.weight + 3 * layer.inputs)
        #expect(after[..<layer.weight] == state.parameters.array[..<layer.weight])
        // Grey images need another first filter: that is no layer to be made anew.
        let grey = ModelState(network: try ModelCase(name: "densenet121", width: 4, shape: ImageShape(height: 32, width: 32, channels: 1)).network())
        let failure = #expect(throws: Failure.self) { try ModelWeights.load(path, into: grey, renewsLastLayer: true, words: .recipe) }
        #expect(failure?.remedy?.contains("data.channels") == true)
    }
}
