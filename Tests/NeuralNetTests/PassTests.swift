import Kernels
import NeuralNet
import Testing

/// Every network in every shape that is awkward: the smallest, one channel, odd sides.
private let cases: [ModelCase] =
    ModelCase.all.flatMap { model in
        [(8, 8, 1), (13, 9, 3), (17, 24, 1)].compactMap { height, width, channels in
            var model = model
            model.classes = 3
            return model.taking(ImageShape(height: height, width: width, channels: channels))
        }
    } + [ModelCase(name: "densenet121", width: 2, stem: .imagenet, shape: ImageShape(height: 37, width: 65, channels: 3), classes: 3)]

@Suite("Passes against float64")
struct PassTests {
    /// The reference itself against central differences, input and parameters, in both modes.
    @Test(
        arguments: [
            ModelCase(name: "cnn", width: 2, shape: ImageShape(height: 8, width: 8, channels: 1), classes: 3),
            ModelCase(name: "resnet18", width: 1, stem: .imagenet, shape: ImageShape(height: 20, width: 16, channels: 3), classes: 3),
            ModelCase(name: "wide-resnet", width: 2, depth: 10, widen: 2, shape: ImageShape(height: 8, width: 9, channels: 3), classes: 3),
        ], [true, false])
    func referenceMatchesFiniteDifferences(_ model: ModelCase, _ isTraining: Bool) throws {
        let problem = RandomProblem.clear(try model.network(), batch: 4, isTraining: isTraining)
        var reference = ReferenceNetwork(problem.state, isTraining: isTraining)
        var images = problem.imagesInDouble
        let (labels, h) = (problem.labels, 1e-6)
        let exact = reference.gradients(images, labels: labels, smoothing: 0.1)
        #expect(abs(exact.loss - reference.loss(images, labels: labels, smoothing: 0.1)) < 1e-12)
        let inputScale = exact.input.map(abs).max()!
        for k in 0..<40 {
            let i = k * 7919 % images.count
            let x = images[i]
            images[i] = x + h
            let up = reference.loss(images, labels: labels, smoothing: 0.1)
            images[i] = x - h
            let down = reference.loss(images, labels: labels, smoothing: 0.1)
            images[i] = x
            #expect(abs((up - down) / (2 * h) - exact.input[i]) < 1e-6 * (1 + inputScale))
        }
        // A value of every parameter tensor.
        for layout in problem.state.network.parameters {
            let i = layout.offset + layout.count * 5 / 8
            let w = reference.parameters[i]
            reference.parameters[i] = w + h
            let up = reference.loss(images, labels: labels, smoothing: 0.1)
            reference.parameters[i] = w - h
            let down = reference.loss(images, labels: labels, smoothing: 0.1)
            reference.parameters[i] = w
            #expect(abs((up - down) / (2 * h) - exact.parameters[i]) < 1e-6 * (1 + abs(exact.parameters[i])), "\(layout.name)")
        }
    }

    @Test(arguments: cases)
    func evaluationMode(_ model: ModelCase) throws {
        let problem = RandomProblem.clear(try model.network(), batch: 2, isTraining: false)
        let exact = ReferenceNetwork(problem.state, isTraining: false).gradients(problem.imagesInDouble, labels: problem.labels)
        let frozen = FrozenModel(network: problem.state.network)
        frozen.freeze(problem.state)
        let pass = FrozenPass(frozen, capacity: 3)
        #expect(relativeDistance(problem.logits(pass), exact.activations.logits) < 2e-5)
        #expect(relativeDistance(problem.inputGradient(pass), exact.input) < 2e-5)
    }

    @Test(arguments: cases)
    func trainingMode(_ model: ModelCase) throws {
        let problem = RandomProblem.clear(try model.network(), batch: 6, isTraining: true)
        let network = problem.state.network
        let exact = ReferenceNetwork(problem.state, isTraining: true).gradients(
            problem.imagesInDouble, labels: problem.labels, smoothing: 0.2)
        let filters = PreparedFilters(network: network)
        TrainingPass.prepare(filters, for: problem.state)
        let pass = TrainingPass(problem.state, filters: filters, capacity: 7)
        let step = FloatBuffer(count: pass.layout.count)
        step.fill(.nan)
        pass.run(
            images: problem.images.pointer, labels: problem.labels, batch: 6, labelSmoothing: 0.2, step: step.pointer
        ) { _ in }
        #expect(abs(Double(step[pass.layout.lossOffset]) - exact.loss) < 3e-5 * exact.loss)
        let values = step.array
        for layout in network.parameters {
            let d = relativeDistance(Array(values[layout.range]), Array(exact.parameters[layout.range]))
            // BatchNorm over six values amplifies rounding; a wrong gradient would be wrong altogether.
            #expect(d < 5e-3, "\(layout.name)")
        }
        // Six times mean and unbiased variance, where the running statistics lie.
        for (index, layer) in network.batchNorms.enumerated() {
            let seen = exact.activations.statistics[index]!
            let rows = Double(seen.rows)
            for c in 0..<layer.channels {
                let mean = values[pass.layout.statisticsOffset + layer.runningMean + c]
                let variance = values[pass.layout.statisticsOffset + layer.runningVariance + c]
                let deviation = (seen.variance[c] + 1e-5).squareRoot()
                #expect(abs(Double(mean) / 6 - seen.mean[c]) < 1e-4 * (abs(seen.mean[c]) + deviation))
                #expect(abs(Double(variance) / 6 - seen.variance[c] * rows / max(1, rows - 1)) < 1e-3 * (seen.variance[c] + 1e-5))
            }
        }
    }

    /// The model of an attack on BatchNorm in training mode.
    @Test(arguments: ModelCase.all.filter { $0.stem == .cifar || $0.name == "resnet50" })
    func inputGradientInTrainingMode(_ model: ModelCase) throws {
        var model = model
        model.shape = ImageShape(height: 16, width: 12, channels: 3)
        let problem = RandomProblem.clear(try model.network(), batch: 5, isTraining: true)
        let exact = ReferenceNetwork(problem.state, isTraining: true).gradients(problem.imagesInDouble, labels: problem.labels)
        let filters = PreparedFilters(network: problem.state.network)
        TrainingPass.prepare(filters, for: problem.state)
        let pass = TrainingPass(problem.state, filters: filters, capacity: 5)
        #expect(relativeDistance(problem.inputGradient(pass), exact.input) < 5e-3)
        #expect(relativeDistance(problem.logits(pass), exact.activations.logits) < 1e-3)
    }

    /// From one forward pass to gradients of parameters and of images together, and to either alone: the same bits.
    @Test(arguments: ModelCase.all.filter { $0.stem == .cifar })
    func gradientsTogetherAndApart(_ model: ModelCase) throws {
        var model = model
        model.shape = ImageShape(height: 16, width: 12, channels: 3)
        let problem = RandomProblem(try model.network(), batch: 5, seed: 4)
        let filters = PreparedFilters(network: problem.state.network)
        TrainingPass.prepare(filters, for: problem.state)
        let pass = TrainingPass(problem.state, filters: filters, capacity: 5)
        let (alone, both) = (FloatBuffer(count: pass.layout.count), FloatBuffer(count: pass.layout.count))
        let image = FloatBuffer(count: problem.images.count)
        for buffer in [alone, both, image] { buffer.fill(.nan) }
        pass.run(images: problem.images.pointer, labels: problem.labels, batch: 5, step: alone.pointer)
        pass.run(images: problem.images.pointer, labels: problem.labels, batch: 5, step: both.pointer, imageGradient: image.pointer)
        #expect(alone.array.map(\.bitPattern) == both.array.map(\.bitPattern) && !both.array.contains { $0.isNaN })
        #expect(image.array.map(\.bitPattern) == problem.inputGradient(pass).map(\.bitPattern) && image.array.contains { $0 != 0 })
        // Twice the loss has twice the gradient, whatever the loss was.
        let logits = pass.forward(problem.images.pointer, batch: 5)
        CrossEntropy.lossesAndGradient(
            logits, labels: problem.labels, batch: 5, classes: pass.classes, smoothing: 0, gradientScale: 2, losses: nil, gradient: pass.logitsGradient)
        pass.backward(parameters: both.pointer, images: nil) { _ in }
        let parameters = 0..<pass.layout.parameters
        #expect(relativeDistance(parameters.map { both[$0] }, parameters.map { 2 * Double(alone[$0]) }) < 1e-6)
    }

    /// Each layer's gradients are announced from the last to the first, and do not change after they were.
    @Test(arguments: ModelCase.all)
    func gradientsAreCompleteWhenAnnounced(_ model: ModelCase) throws {
        let model = try model.taking(ImageShape(height: 16, width: 16, channels: 3)) ?? #require(model.taking(ImageShape(height: 32, width: 32, channels: 3)))
        let problem = RandomProblem(try model.network(), batch: 3, seed: 1)
        let filters = PreparedFilters(network: problem.state.network)
        TrainingPass.prepare(filters, for: problem.state)
        let pass = TrainingPass(problem.state, filters: filters, capacity: 3)
        let step = FloatBuffer(count: pass.layout.count)
        step.fill(.nan)
        var announced: [Int] = []
        var snapshots: [[Float]] = []
        pass.run(images: problem.images.pointer, labels: problem.labels, batch: 3, step: step.pointer) { offset in
            announced.append(offset)
            snapshots.append(Array(step.array[offset...]))
        }
        #expect(announced.first == pass.layout.statisticsOffset && announced.last == 0)
        #expect(zip(announced, announced.dropFirst()).allSatisfy { $0 > $1 })
        #expect(announced.count == 1 + problem.state.network.convolutions.count + problem.state.network.batchNorms.count + 1)
        let final = step.array
        #expect(final.allSatisfy { !$0.isNaN })
        for (offset, snapshot) in zip(announced, snapshots) {
            #expect(snapshot.map(\.bitPattern) == final[offset...].map(\.bitPattern))
        }
    }

    /// An image's logits and gradient do not depend on its neighbours, on the capacity, or on earlier calls.
    @Test(arguments: ModelCase.all.filter { $0.stem == .cifar })
    func imagesAreIndependentInEvaluationMode(_ model: ModelCase) throws {
        var model = model
        model.shape = ImageShape(height: 16, width: 16, channels: 3)
        let problem = RandomProblem(try model.network(), batch: 4, seed: 2)
        let frozen = FrozenModel(network: problem.state.network)
        frozen.freeze(problem.state)
        let together = FrozenPass(frozen, capacity: 4)
        let (logits, gradient) = (problem.logits(together), problem.inputGradient(together))
        let alone = FrozenPass(frozen, capacity: 9)
        let values = problem.state.network.input.count
        for image in [2, 0] {
            var one = [Float](repeating: .nan, count: 10)
            alone.logits(of: problem.images.pointer + image * values, batch: 1, into: &one)
            #expect(one.map(\.bitPattern) == logits[image * 10..<(image + 1) * 10].map(\.bitPattern))
            var g = [Float](repeating: .nan, count: values)
            alone.inputGradient(of: problem.images.pointer + image * values, batch: 1, into: &g) { logits, derivative in
                CrossEntropy.lossesAndGradient(
                    logits, labels: [problem.labels[image]], batch: 1, classes: 10, smoothing: 0, gradientScale: 1, losses: nil,
                    gradient: derivative)
            }
            #expect(g.map(\.bitPattern) == gradient[image * values..<(image + 1) * values].map(\.bitPattern))
        }
    }

    /// Rounded operands change logits and gradients by as much as they are rounded, and nothing else; filters that share memory take turns.
    @Test func roundedProductsAreClose() throws {
        let problem = RandomProblem(
            try ModelCase(name: "resnet50", width: 4, shape: ImageShape(height: 16, width: 16, channels: 3)).network(), batch: 4, seed: 5)
        let network = problem.state.network
        let filters = PreparedFilters(network: network)
        let rounding = PreparedFilters(network: network, precision: .bfloat16, sharing: filters)
        let exact = FrozenModel(network: network, filters: filters)
        let rounded = FrozenModel(network: network, filters: rounding)
        let (exactPass, roundedPass) = (FrozenPass(exact, capacity: 4), FrozenPass(rounded, capacity: 4))
        exact.freeze(problem.state)
        let (logits, gradient) = (problem.logits(exactPass), problem.inputGradient(exactPass))
        for _ in 0..<2 {
            rounded.freeze(problem.state)
            let (near, nearGradient) = (problem.logits(roundedPass), problem.inputGradient(roundedPass))
            #expect(near != logits && relativeDistance(near, logits.map(Double.init)) < 0.1)
            #expect(relativeDistance(nearGradient, gradient.map(Double.init)) < 0.8)
            exact.freeze(problem.state)
            #expect(problem.logits(exactPass).map(\.bitPattern) == logits.map(\.bitPattern))
        }
        // Logits of the one, gradients of the other; each in memory of its own.
        let own = FrozenModel(network: network, filters: PreparedFilters(network: network, precision: .bfloat16))
        own.freeze(problem.state)
        let both = CoarseGradientPass(exact: exactPass, coarse: FrozenPass(own, capacity: 4))
        #expect(problem.logits(both) == logits)
        #expect(problem.inputGradient(both) != gradient)
    }

    /// Filters shared with a frozen model are prepared anew, and nothing of the other form is left.
    @Test func sharedFiltersServeBothPasses() throws {
        let problem = RandomProblem(
            try ModelCase(name: "resnet18", width: 4, shape: ImageShape(height: 16, width: 16, channels: 3)).network(), batch: 4, seed: 3)
        let network = problem.state.network
        let (shared, own) = (PreparedFilters(network: network), PreparedFilters(network: network))
        TrainingPass.prepare(own, for: problem.state)
        let apart = problem.logits(TrainingPass(problem.state, filters: own, capacity: 4))
        let frozen = FrozenModel(network: network, filters: shared)
        let separate = FrozenModel(network: network)
        separate.freeze(problem.state)
        let pass = TrainingPass(problem.state, filters: shared, capacity: 4)
        for _ in 0..<2 {
            frozen.freeze(problem.state)
            let gradient = problem.inputGradient(FrozenPass(frozen, capacity: 4))
            #expect(gradient.map(\.bitPattern) == problem.inputGradient(FrozenPass(separate, capacity: 4)).map(\.bitPattern))
            TrainingPass.prepare(shared, for: problem.state)
            #expect(problem.logits(pass).map(\.bitPattern) == apart.map(\.bitPattern))
        }
    }
}
