import Kernels

/// ResNet with pre-activation blocks (He et al., ECCV 2016), named as in the robustness literature's PyTorch code.
func preActResNet(
    _ blocks: [Int], on net: consuming NetworkBuilder, classes: Int, width: Int, stem: ModelConfiguration.Stem
) -> Network {
    var net = net
    var x = net.stem(stem, outputs: width, batchNorm: nil)
    for (stage, count) in blocks.enumerated() {
        for index in 0..<count {
            x = net.preActBlock(
                "layer\(stage + 1).\(index)", shortcut: "shortcut.0", x, channels: width << stage,
                stride: stage > 0 && index == 0 ? 2 : 1)
        }
    }
    x = net.batchNorm("bn", x, relu: true)
    return net.classifier("linear", x, classes: classes)
}

/// WideResNet-depth-widen (Zagoruyko and Komodakis, BMVC 2016), named as in the TRADES checkpoints.
func wideResNet(
    depth: Int, widen: Int, on net: consuming NetworkBuilder, classes: Int, width: Int, stem: ModelConfiguration.Stem
) -> Network {
    var net = net
    var x = net.stem(stem, outputs: width, batchNorm: nil)
    for stage in 0..<3 {
        for index in 0..<(depth - 4) / 6 {
            x = net.preActBlock(
                "block\(stage + 1).layer.\(index)", shortcut: "convShortcut", x, channels: (width * widen) << stage,
                stride: stage > 0 && index == 0 ? 2 : 1)
        }
    }
    x = net.batchNorm("bn1", x, relu: true)
    return net.classifier("fc", x, classes: classes)
}

extension NetworkBuilder {
    /// A shortcut that must change the shape starts from the activated input; one that need not is the input itself.
    fileprivate mutating func preActBlock(
        _ name: String, shortcut shortcutName: String, _ x: Value, channels: Int, stride: Int
    ) -> Value {
        let activated = batchNorm("\(name).bn1", x, relu: true)
        var y = convolution("\(name).conv1", activated, outputs: channels, kernel: 3, stride: stride)
        y = batchNorm("\(name).bn2", y, relu: true)
        let shortcut =
            stride == 1 && x.shape.channels == channels
            ? x : convolution("\(name).\(shortcutName)", activated, outputs: channels, kernel: 1, stride: stride)
        return convolution("\(name).conv2", y, outputs: channels, kernel: 3, adding: shortcut)
    }
}
