import Diagnostics
import Kernels
import NeuralNet
import Testing

private let imageNet = ImageShape(height: 224, width: 224, channels: 3)
private let cifar = ImageShape(height: 32, width: 32, channels: 3)

@Suite("Models")
struct ModelTests {
    /// Counts of torchvision's state_dicts, and of the robustness literature's checkpoints.
    @Test(arguments: [
        ("resnet18", ModelConfiguration.Stem.imagenet, 1000, 11_689_512, 62, 122, 1.814),
        ("resnet34", .imagenet, 1000, 21_797_672, 110, 218, 3.664),
        ("resnet50", .imagenet, 1000, 25_557_032, 161, 320, 4.089),
        ("densenet121", .imagenet, 1000, 7_978_856, 364, 727, 2.834),
        ("resnet18", .cifar, 10, 11_173_962, 62, 122, 0.555),
        ("preact-resnet18", .cifar, 10, 11_172_170, 56, 107, 0.555),
        ("preact-resnet34", .cifar, 10, 21_280_330, 104, 203, 1.159),
        ("wide-resnet-28-10", .cifar, 10, 36_479_194, 80, 155, 5.243),
        ("wide-resnet-34-10", .cifar, 10, 46_160_474, 98, 191, 6.659),
    ])
    func countsAreTheLiterature(
        _ name: String, _ stem: ModelConfiguration.Stem, _ classes: Int, _ parameters: Int, _ tensors: Int, _ entries: Int,
        _ gigaMACs: Double
    ) throws {
        let network = try ModelConfiguration(name: name, stem: stem).network(
            input: stem == .imagenet ? imageNet : cifar, classes: classes)
        #expect(network.parameterCount == parameters && network.parameters.count == tensors)
        let state = ModelState(network: try narrow(name, stem))
        #expect(state.layouts.count + state.counterNames.count == entries)
        #expect(abs(Double(network.flops) / 2e9 - gigaMACs) < 0.001)
    }

    private func narrow(_ name: String, _ stem: ModelConfiguration.Stem) throws -> Network {
        try ModelConfiguration(name: name, width: 1, stem: stem).network(input: cifar, classes: 10)
    }

    @Test func namesAndShapesAreTorchvisions() throws {
        func shapes(_ name: String) throws -> [String: [Int]] {
            let network = try ModelConfiguration(name: name, stem: .imagenet).network(input: imageNet, classes: 1000)
            return Dictionary(uniqueKeysWithValues: (network.parameters + network.buffers).map { ($0.name, $0.shape) })
        }
        let expected18 = [
            "conv1.weight": [64, 3, 7, 7], "bn1.weight": [64], "bn1.bias": [64], "bn1.running_mean": [64],
            "bn1.running_var": [64], "layer1.0.conv1.weight": [64, 64, 3, 3], "layer1.1.bn2.bias": [64],
            "layer2.0.conv1.weight": [128, 64, 3, 3], "layer2.0.downsample.0.weight": [128, 64, 1, 1],
            "layer2.0.downsample.1.running_var": [128], "layer3.1.conv2.weight": [256, 256, 3, 3],
            "layer4.1.conv2.weight": [512, 512, 3, 3], "fc.weight": [1000, 512], "fc.bias": [1000],
        ]
        let resnet18 = try shapes("resnet18")
        for (name, shape) in expected18 { #expect(resnet18[name] == shape, "\(name)") }
        #expect(resnet18["layer1.0.downsample.0.weight"] == nil)
        let expected121 = [
            "features.conv0.weight": [64, 3, 7, 7], "features.norm0.running_var": [64],
            "features.denseblock1.denselayer1.norm1.weight": [64], "features.denseblock1.denselayer1.conv1.weight": [128, 64, 1, 1],
            "features.denseblock1.denselayer6.conv1.weight": [128, 224, 1, 1], "features.denseblock1.denselayer6.conv2.weight": [32, 128, 3, 3],
            "features.transition1.norm.bias": [256], "features.transition1.conv.weight": [128, 256, 1, 1],
            "features.denseblock3.denselayer24.norm1.running_mean": [992], "features.transition3.conv.weight": [512, 1024, 1, 1],
            "features.denseblock4.denselayer16.conv1.weight": [128, 992, 1, 1], "features.norm5.weight": [1024], "classifier.weight": [1000, 1024],
        ]
        let densenet121 = try shapes("densenet121")
        for (name, shape) in expected121 { #expect(densenet121[name] == shape, "\(name)") }
        #expect(densenet121["features.denseblock2.denselayer13.conv1.weight"] == nil && densenet121["features.transition4.conv.weight"] == nil)
        let resnet34 = try shapes("resnet34")
        #expect(resnet34["layer3.5.conv2.weight"] == [256, 256, 3, 3] && resnet34["layer3.6.conv1.weight"] == nil)
        let expected50 = [
            "layer1.0.conv1.weight": [64, 64, 1, 1], "layer1.0.conv3.weight": [256, 64, 1, 1],
            "layer1.0.downsample.0.weight": [256, 64, 1, 1], "layer1.1.conv1.weight": [64, 256, 1, 1],
            "layer2.0.conv1.weight": [128, 256, 1, 1], "layer2.0.conv2.weight": [128, 128, 3, 3],
            "layer3.5.bn3.weight": [1024], "layer4.2.conv3.weight": [2048, 512, 1, 1], "fc.weight": [1000, 2048],
        ]
        let resnet50 = try shapes("resnet50")
        for (name, shape) in expected50 { #expect(resnet50[name] == shape, "\(name)") }
    }

    @Test func namesOfTheOtherFamilies() throws {
        func names(_ name: String) throws -> Set<String> { Set(try narrow(name, .cifar).parameters.map(\.name)) }
        #expect(
            try names("preact-resnet18").isSuperset(of: [
                "conv1.weight", "layer1.0.bn1.weight", "layer2.0.shortcut.0.weight", "layer4.1.conv2.weight", "bn.bias", "linear.weight",
            ]))
        #expect(
            try names("wide-resnet-28-10").isSuperset(of: [
                "conv1.weight", "block1.layer.0.convShortcut.weight", "block3.layer.3.bn2.bias", "block2.layer.0.conv1.weight", "bn1.weight", "fc.bias",
            ]))
    }

    /// Strides sit where they do in torchvision: in a bottleneck's 3×3 convolution, and in the shortcut.
    @Test func strides() throws {
        let network = try ModelConfiguration(name: "resnet50", stem: .imagenet).network(input: imageNet, classes: 10)
        let strided = network.convolutions.filter { $0.shape.stride == 2 }.map(\.name)
        #expect(strided == ["conv1"] + (2...4).flatMap { ["layer\($0).0.conv2", "layer\($0).0.downsample.0"] })
        // 224 → 112 → 56 → 28 → 14 → 7.
        #expect(network.convolutions.last { $0.shape.kernel == 3 }!.shape.height == 7)
    }

    /// In evaluation mode a BatchNorm disappears into the convolution before it, if nobody else wants what that makes.
    @Test(arguments: [
        (ModelCase(name: "cnn", width: 4), 0), (ModelCase(name: "resnet18", width: 4), 0),
        (ModelCase(name: "resnet50", width: 4, stem: .imagenet), 0), (ModelCase(name: "preact-resnet18", width: 4), 9),
        (ModelCase(name: "preact-resnet18", width: 4, stem: .imagenet), 9), (ModelCase(name: "preact-resnet34", width: 4), 17),
        // The first block's input goes to its BatchNorm alone, for the shortcut starts behind that.
        (ModelCase(name: "wide-resnet-28-10", width: 1), 12),
        (ModelCase(name: "wide-resnet", width: 4, depth: 10, widen: 1), 4),
        // Every layer's first BatchNorm, those of the transitions and the last see a concatenation.
        (ModelCase(name: "densenet121", width: 4), 62), (ModelCase(name: "densenet121", width: 4, stem: .imagenet), 62),
    ])
    func batchNormsAreFolded(_ model: ModelCase, _ left: Int) throws {
        let network = try model.network()
        let frozen = network.frozenNodes
        var (folded, affine, plain) = (Set<Int>(), Set<Int>(), 0)
        for node in frozen {
            switch node.operation {
            case .convolution(_, let batchNorm?): folded.insert(batchNorm)
            case .convolution(_, nil): plain += 1
            case .affine(let batchNorm): affine.insert(batchNorm)
            case .batchNorm: Issue.record("a BatchNorm in training mode is left")
            default: break
            }
        }
        #expect(affine.count == left && folded.count + affine.count == network.batchNorms.count)
        #expect(folded.count + plain == network.convolutions.count)
        #expect(folded.isDisjoint(with: affine) && frozen.count == network.nodes.count - folded.count)
        #expect(frozen.last!.output == network.nodes.last!.output)
    }

    @Test func widthDepthAndWidening() throws {
        let named = try ModelConfiguration(name: "wide-resnet-16-4")
        #expect(named == (try ModelConfiguration(name: "wide-resnet", depth: 16, widen: 4)) && named.width == 16)
        let network = try named.network(input: cifar, classes: 10)
        #expect(network.convolutions.count == 1 + 3 * (2 * 2 + 1) && network.linears[0].inputs == 16 * 4 * 4)
        #expect(try ModelConfiguration(name: "resnet18", width: 24).network(input: cifar, classes: 7).linears[0].inputs == 192)
        #expect(try ModelConfiguration(name: "wide-resnet-28-10", depth: 28).depth == 28)
    }

    @Test(arguments: ModelConfiguration.names)
    func everyNameBuilds(_ name: String) throws {
        for channels in [1, 3] {
            let network = try ModelConfiguration(name: name, width: 2).network(
                input: ImageShape(height: 8, width: 8, channels: channels), classes: 2)
            #expect(network.classes == 2 && network.values.last == ImageShape(height: 1, width: 1, channels: 2))
            #expect(network.convolutions[0].shape.inputChannels == channels)
            // Arenas without gaps, in the order of the layers.
            var next = 0
            for layout in network.parameters {
                #expect(layout.offset == next)
                next += layout.count
            }
            #expect(next == network.parameterCount)
        }
    }

    @Test(
        arguments: [
            ("resnet19", nil, nil, nil, "resnet19", "resnet18"), ("resnet18", 0, nil, nil, "width 0", nil),
            ("resnet18", 5000, nil, nil, "width 5000", nil), ("resnet18", nil, 28, nil, "wide-resnet only", "width"),
            ("wide-resnet", nil, 27, nil, "depth 27", "28"), ("wide-resnet", nil, 4, nil, "depth 4", nil),
            ("wide-resnet", nil, 28, 0, "widen 0", nil), ("wide-resnet-28-10", nil, 34, nil, "contradict", "wide-resnet"),
            ("wide-resnet-29-10", nil, nil, nil, "depth 29", nil), ("", nil, nil, nil, "no network", "resnet18"),
        ] as [(String, Int?, Int?, Int?, String, String?)])
    func mistakesAreExplained(_ name: String, _ width: Int?, _ depth: Int?, _ widen: Int?, _ message: String, _ remedy: String?) {
        let failure = #expect(throws: Failure.self) {
            try ModelConfiguration(name: name, width: width, depth: depth, widen: widen)
        }
        #expect(failure?.kind == .usage && failure?.message.contains(message) == true)
        if let remedy { #expect(failure?.remedy?.contains(remedy) == true) }
    }

    @Test(arguments: [(7, 8, 3, 10), (8, 7, 3, 10), (32, 32, 2, 10), (32, 32, 4, 10), (32, 32, 3, 1)])
    func imagesThatDoNotFitAreExplained(_ height: Int, _ width: Int, _ channels: Int, _ classes: Int) {
        let failure = #expect(throws: Failure.self) {
            try ModelConfiguration(name: "cnn").network(
                input: ImageShape(height: height, width: width, channels: channels), classes: classes)
        }
        #expect(failure?.kind == .usage)
    }
}
