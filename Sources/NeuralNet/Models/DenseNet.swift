import Kernels

/// DenseNet-BC (Huang et al., CVPR 2017) with torchvision's names: each layer of a block sees the outputs of all before it.
///
/// `width` is the number of channels before the first block; each layer adds half as many (the growth rate), through a
/// bottleneck of four times that.
func denseNet(
    _ blocks: [Int], on net: consuming NetworkBuilder, classes: Int, width: Int, stem: ModelConfiguration.Stem
) -> Network {
    var net = net
    net.drawFiltersByInputs()
    let growth = max(1, width / 2)
    let imageNet = stem == .imagenet
    var x = net.convolution("features.conv0", net.images, outputs: width, kernel: imageNet ? 7 : 3, stride: imageNet ? 2 : 1)
    x = net.batchNorm("features.norm0", x, relu: true)
    if imageNet { x = net.maxPool(x, kernel: 3, stride: 2, padding: 1) }
    for (block, layers) in blocks.enumerated() {
        for layer in 0..<layers {
            x = net.denseLayer("features.denseblock\(block + 1).denselayer\(layer + 1)", x, growth: growth)
        }
        if block + 1 < blocks.count { x = net.transition("features.transition\(block + 1)", x) }
    }
    x = net.batchNorm("features.norm5", x, relu: true)
    return net.classifier("classifier", x, classes: classes)
}

/// The smallest side that leaves the last block of a DenseNet a pixel: each of its poolings halves the image, rounding up in
/// the stem and down between blocks.
func denseNetMinimumSide(_ stem: ModelConfiguration.Stem) -> Int { stem == .imagenet ? 29 : 8 }

extension NetworkBuilder {
    fileprivate mutating func denseLayer(_ name: String, _ x: Value, growth: Int) -> Value {
        var y = batchNorm("\(name).norm1", x, relu: true)
        y = convolution("\(name).conv1", y, outputs: 4 * growth, kernel: 1)
        y = batchNorm("\(name).norm2", y, relu: true)
        y = convolution("\(name).conv2", y, outputs: growth, kernel: 3)
        return concatenation(x, y)
    }

    fileprivate mutating func transition(_ name: String, _ x: Value) -> Value {
        let y = batchNorm("\(name).norm", x, relu: true)
        return averagePool(convolution("\(name).conv", y, outputs: x.shape.channels / 2, kernel: 1), kernel: 2, stride: 2)
    }
}
