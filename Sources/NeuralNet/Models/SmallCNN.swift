import Kernels

/// Four 3×3 convolutions with BatchNorm and ReLU, two of them with stride 2: enough for quick runs.
func smallCNN(on net: consuming NetworkBuilder, classes: Int, width: Int) -> Network {
    var net = net
    var x = net.images
    for (index, (channels, stride)) in [(width, 1), (2 * width, 2), (2 * width, 1), (4 * width, 2)].enumerated() {
        x = net.convolution("conv\(index + 1)", x, outputs: channels, kernel: 3, stride: stride)
        x = net.batchNorm("bn\(index + 1)", x, relu: true)
    }
    return net.classifier("fc", x, classes: classes)
}
