import Kernels

enum ResNetBlock {
    case basic
    case bottleneck
}

/// ResNet (He et al., CVPR 2016) with torchvision's names; stride 2 sits in a bottleneck's 3×3 convolution.
func resNet(
    _ block: ResNetBlock, _ blocks: [Int], on net: consuming NetworkBuilder, classes: Int, width: Int, stem: ModelConfiguration.Stem
) -> Network {
    var net = net
    var x = net.stem(stem, outputs: width, batchNorm: "bn1")
    for (stage, count) in blocks.enumerated() {
        for index in 0..<count {
            let name = "layer\(stage + 1).\(index)"
            let stride = stage > 0 && index == 0 ? 2 : 1
            switch block {
            case .basic: x = net.basicBlock(name, x, channels: width << stage, stride: stride)
            case .bottleneck: x = net.bottleneck(name, x, channels: width << stage, stride: stride)
            }
        }
    }
    return net.classifier("fc", x, classes: classes)
}

extension NetworkBuilder {
    /// The layers before the first block: `conv1`, its BatchNorm where there is one, and for ImageNet the max-pool.
    mutating func stem(_ stem: ModelConfiguration.Stem, outputs: Int, batchNorm: String?) -> Value {
        let imageNet = stem == .imagenet
        var x = convolution("conv1", images, outputs: outputs, kernel: imageNet ? 7 : 3, stride: imageNet ? 2 : 1)
        if let batchNorm { x = self.batchNorm(batchNorm, x, relu: true) }
        return imageNet ? maxPool(x, kernel: 3, stride: 2, padding: 1) : x
    }

    fileprivate mutating func basicBlock(_ name: String, _ x: Value, channels: Int, stride: Int) -> Value {
        var y = convolution("\(name).conv1", x, outputs: channels, kernel: 3, stride: stride)
        y = batchNorm("\(name).bn1", y, relu: true)
        y = convolution("\(name).conv2", y, outputs: channels, kernel: 3)
        let shortcut = downsample(name, x, channels: channels, stride: stride)
        return batchNorm("\(name).bn2", y, adding: shortcut, relu: true)
    }

    fileprivate mutating func bottleneck(_ name: String, _ x: Value, channels: Int, stride: Int) -> Value {
        var y = convolution("\(name).conv1", x, outputs: channels, kernel: 1)
        y = batchNorm("\(name).bn1", y, relu: true)
        y = convolution("\(name).conv2", y, outputs: channels, kernel: 3, stride: stride)
        y = batchNorm("\(name).bn2", y, relu: true)
        y = convolution("\(name).conv3", y, outputs: 4 * channels, kernel: 1)
        let shortcut = downsample(name, x, channels: 4 * channels, stride: stride)
        return batchNorm("\(name).bn3", y, adding: shortcut, relu: true)
    }

    private mutating func downsample(_ name: String, _ x: Value, channels: Int, stride: Int) -> Value {
        guard stride != 1 || x.shape.channels != channels else { return x }
        let y = convolution("\(name).downsample.0", x, outputs: channels, kernel: 1, stride: stride)
        return batchNorm("\(name).downsample.1", y, relu: false)
    }
}
