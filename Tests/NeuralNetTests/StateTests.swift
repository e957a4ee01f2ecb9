import Kernels
import NeuralNet
import Testing

@Suite("State and optimizer")
struct StateTests {
    /// torchvision's: filters normal with variance 2 / fan-out, BatchNorm neutral, the classifier uniform in ±1/√inputs.
    @Test(arguments: ["resnet18", "resnet50", "preact-resnet18", "wide-resnet-16-4"])
    func initialization(_ name: String) throws {
        let network = try ModelConfiguration(name: name).network(
            input: ImageShape(height: 32, width: 32, channels: 3), classes: 100)
        let state = ModelState(network: network, seed: 3)
        for (index, layout) in network.parameters.enumerated() {
            let values = state.exported(index).map(Double.init)
            let n = Double(values.count)
            let mean = values.reduce(0, +) / n
            let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n).squareRoot()
            switch (layout.shape.count, layout.name.hasSuffix("weight")) {
            case (4, _):
                let expected = (2 / Double(layout.shape[0] * layout.shape[2] * layout.shape[3])).squareRoot()
                #expect(abs(deviation - expected) < 5 * expected / (2 * n).squareRoot(), "\(layout.name)")
                #expect(abs(mean) < 5 * expected / n.squareRoot(), "\(layout.name)")
            case (1, true): #expect(values.allSatisfy { $0 == 1 }, "\(layout.name)")
            default:
                guard let linear = network.linears.first(where: { layout.name.hasPrefix($0.name + ".") }) else {
                    #expect(values.allSatisfy { $0 == 0 }, "\(layout.name)")
                    continue
                }
                let bound = 1 / Double(linear.inputs).squareRoot()
                #expect(values.allSatisfy { abs($0) <= bound * 1.000001 } && values.map(abs).max()! > 0.95 * bound)
                #expect(abs(deviation - bound / 3.0.squareRoot()) < 0.15 * bound && abs(mean) < 5 * bound / n.squareRoot())
            }
        }
        for (index, layout) in network.buffers.enumerated() {
            let expected: Float = layout.name.hasSuffix("running_var") ? 1 : 0
            #expect(state.exported(network.parameters.count + index).allSatisfy { $0 == expected })
        }
    }

    @Test func initializationFollowsFromTheSeed() throws {
        let network = try ModelCase(name: "resnet18", width: 4).network()
        let state = ModelState(network: network, seed: 5)
        #expect(state.parameters.array == ModelState(network: network, seed: 5).parameters.array)
        #expect(state.parameters.array != ModelState(network: network, seed: 6).parameters.array)
        // No two tensors begin alike.
        let beginnings = network.parameters.filter { $0.order == .filter }.map { layout in
            let values = state.parameters.array[layout.offset..<layout.offset + 2]
            let scale = Float(layout.shape[0] * layout.shape[2] * layout.shape[3]).squareRoot()
            return values.map { ($0 * scale * 1000).rounded() }
        }
        #expect(Set(beginnings).count == beginnings.count)
    }

    /// Filters lie as [height, width, input, output] in memory and as [output, input, height, width] in files.
    @Test func filtersChangeOrder() throws {
        let network = try ModelCase(name: "resnet18", width: 4).network()
        let state = ModelState(network: network)
        let index = network.parameters.firstIndex { $0.name == "layer2.0.conv1.weight" }!
        let layout = network.parameters[index]
        #expect(layout.shape == [8, 4, 3, 3])
        let values = (0..<layout.count).map(Float.init)
        state.load(index, values)
        for (o, i, y, x) in [(0, 0, 0, 0), (7, 3, 2, 2), (5, 1, 0, 2), (2, 3, 1, 0)] {
            #expect(state.parameters[layout.offset + ((y * 3 + x) * 4 + i) * 8 + o] == values[((o * 4 + i) * 3 + y) * 3 + x])
        }
        #expect(state.exported(index) == values)
        // Nothing else was touched.
        #expect(state.parameters.array.count { $0 != 0 } == layout.count - 1)
    }

    @Test func everyTensorIsLoadedAndExported() throws {
        let network = try ModelCase(name: "preact-resnet18", width: 2).network()
        let (state, other) = (ModelState.random(network, seed: 1), ModelState(network: network))
        for index in state.layouts.indices { other.load(index, state.exported(index)) }
        #expect(other.parameters.array == state.parameters.array && other.buffers.array == state.buffers.array)
        let third = ModelState(network: network)
        third.copy(from: state)
        #expect(third.parameters.array == state.parameters.array && third.buffers.array == state.buffers.array)
        #expect(state.counterNames.contains("layer1.0.bn1.num_batches_tracked"))
    }

    /// PyTorch's SGD as its documentation writes it, in float64, from sums over 20 samples.
    @Test(arguments: [(Float(0), false), (0.9, false), (0.9, true)])
    func stochasticGradientDescent(_ momentum: Float, _ nesterov: Bool) throws {
        let network = try ModelCase(name: "cnn", width: 2).network()
        let state = ModelState.random(network, seed: 2)
        let layout = StepLayout(network)
        let optimizer = Optimizer(OptimizerSettings(momentum: momentum, nesterov: nesterov, weightDecay: 0.01), network: network)
        var theta = state.parameters.array.map(Double.init)
        var buffer = theta.map { _ in 0.0 }
        var statistics = state.buffers.array.map(Double.init)
        for iteration in 0..<4 {
            let step = FloatBuffer(count: layout.count)
            Philox(seed: 9, purpose: .test, sample: iteration).fillNormal(step.pointer, count: layout.count, standardDeviation: 3)
            let rate = 0.1 / Double(iteration + 1)
            for i in theta.indices {
                var g = Double(step[i]) / 20 + Double(Float(0.01)) * theta[i]
                buffer[i] = iteration == 0 ? g : Double(momentum) * buffer[i] + g
                g = momentum == 0 ? g : nesterov ? g + Double(momentum) * buffer[i] : buffer[i]
                theta[i] -= rate * g
            }
            for i in statistics.indices {
                statistics[i] = 0.9 * statistics[i] + 0.1 * Double(step[layout.statisticsOffset + i]) / 20
            }
            optimizer.update(state, step: step.pointer, samples: 20, learningRate: Float(rate))
        }
        #expect(relativeDistance(state.parameters.array, theta) < 1e-6)
        #expect(relativeDistance(state.buffers.array, statistics) < 1e-6)
        #expect(momentum == 0 || relativeDistance(optimizer.momentum.array, buffer) < 1e-6)
    }

    /// Contributions of micro-batches are added and nothing else: statistics weigh as many samples as they came from.
    @Test func contributionsAddUp() throws {
        let problem = RandomProblem(
            try ModelCase(name: "cnn", width: 4, shape: ImageShape(height: 8, width: 8, channels: 1)).network(), batch: 7, seed: 4)
        let network = problem.state.network
        let filters = PreparedFilters(network: network)
        TrainingPass.prepare(filters, for: problem.state)
        let pass = TrainingPass(problem.state, filters: filters, capacity: 4)
        let layout = pass.layout
        #expect(layout.count == network.parameterCount + network.bufferCount + 2)
        #expect(layout.lossOffset == network.parameterCount + network.bufferCount && layout.correctOffset == layout.count - 1)
        var sum = [Double](repeating: 0, count: layout.count)
        var expected = [Double](repeating: 0, count: network.bufferCount)
        var (loss, correct) = (0.0, 0)
        for range in [0..<4, 4..<7] {
            let step = FloatBuffer(count: layout.count)
            let images = problem.images.pointer + range.lowerBound * 64
            pass.run(images: images, labels: Array(problem.labels[range]), batch: range.count, step: step.pointer) { _ in }
            for i in 0..<layout.count { sum[i] += Double(step[i]) }
            let exact = ReferenceNetwork(problem.state, isTraining: true).gradients(
                Array(problem.imagesInDouble[range.lowerBound * 64..<range.upperBound * 64]), labels: Array(problem.labels[range]))
            loss += exact.loss
            let logits = exact.activations.logits
            for i in range.indices {
                let row = Array(logits[(i - range.lowerBound) * 10..<(i - range.lowerBound + 1) * 10])
                if row.indices.max(by: { row[$0] < row[$1] })! == Int(problem.labels[i]) { correct += 1 }
            }
            for (index, layer) in network.batchNorms.enumerated() {
                let seen = exact.activations.statistics[index]!
                for c in 0..<layer.channels {
                    expected[layer.runningMean + c] += seen.mean[c] * Double(range.count)
                    expected[layer.runningVariance + c] += seen.variance[c] * Double(seen.rows) / Double(seen.rows - 1) * Double(range.count)
                }
            }
        }
        #expect(abs(sum[layout.lossOffset] - loss) < 1e-5 * loss)
        #expect(sum[layout.correctOffset] == Double(correct))
        #expect(relativeDistance(sum[layout.statisticsOffset..<layout.lossOffset].map(Float.init), expected) < 1e-5)
    }
}
