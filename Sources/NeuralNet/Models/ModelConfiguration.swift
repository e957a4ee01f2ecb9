import Diagnostics
import Kernels

/// Which network to build: a name, and the options its family has.
package struct ModelConfiguration: Sendable, Hashable, Codable {
    /// The layers before the first block.
    package enum Stem: String, Sendable, Hashable, Codable, CaseIterable {
        /// One 3×3 convolution: for images of about 32×32.
        case cifar
        /// A 7×7 convolution with stride 2 and a max-pool: for images of about 224×224.
        case imagenet
    }

    /// The networks there are.
    private enum Family: String, CaseIterable {
        case cnn
        case resnet18
        case resnet34
        case resnet50
        case denseNet121 = "densenet121"
        case preActResNet18 = "preact-resnet18"
        case preActResNet34 = "preact-resnet34"
        case wideResNet = "wide-resnet"
    }

    /// The names `init(name:…)` understands; `wide-resnet` also as `wide-resnet-<depth>-<widen>`.
    package static let names = Family.allCases.map(\.rawValue) + ["wide-resnet-28-10", "wide-resnet-34-10"]

    /// Whether `init(name:…)` understands `name`.
    package static let isKnown: @Sendable (String) -> Bool = { name in (try? ModelConfiguration(name: name)) != nil }

    package var name: String
    /// Channels of the first block (64 in the ResNets' and the DenseNets' papers, 16 in the wide ones' before widening).
    package var width: Int
    package var stem: Stem
    /// Layers and widening factor of a `wide-resnet`.
    package var depth: Int
    package var widen: Int
    /// What the network does with its images first; nil for nothing.
    package var normalization: ImageNormalization?

    /// - Parameters:
    ///   - width: nil for the family's own: 16 for `wide-resnet` and `cnn`, 64 for the others.
    ///   - depth, widen: for `wide-resnet` only; nil for 28 and 10.
    /// - Throws: `Failure` for an unknown name, or an option outside its range.
    package init(
        name: String, width: Int? = nil, stem: Stem = .cifar, depth: Int? = nil, widen: Int? = nil,
        normalization: ImageNormalization? = nil
    ) throws {
        var (name, depth, widen) = (name, depth, widen)
        let parts = name.split(separator: "-")
        if parts.count == 4, name.hasPrefix("wide-resnet-"), let d = Int(parts[2]), let w = Int(parts[3]) {
            guard depth ?? d == d, widen ?? w == w else {
                throw Failure.usage(
                    "model \(name): depth \(depth ?? d) and widen \(widen ?? w) contradict the name",
                    remedy: "leave the options out, or use the name wide-resnet")
            }
            (name, depth, widen) = ("wide-resnet", d, w)
        }
        guard let family = Family(rawValue: name) else {
            let nearest = nearestName(to: name, among: Self.names).map { "did you mean \($0)? " } ?? ""
            throw Failure.usage(
                "model: no network is called \(name)",
                remedy: "\(nearest)Known: \(Self.names.joined(separator: ", "))")
        }
        self.name = name
        self.stem = stem
        self.normalization = normalization
        self.width = width ?? (family == .cnn || family == .wideResNet ? 16 : 64)
        self.depth = depth ?? 28
        self.widen = widen ?? 10
        guard (1...4096).contains(self.width) else {
            throw Failure.usage("model: width \(self.width) is outside 1…4096")
        }
        guard family == .wideResNet || (depth == nil && widen == nil) else {
            throw Failure.usage(
                "model \(name): depth and widen are options of wide-resnet only",
                remedy: "use width to make \(name) wider or narrower")
        }
        guard self.depth >= 10, self.depth <= 1000, (self.depth - 4) % 6 == 0 else {
            throw Failure.usage(
                "model wide-resnet: depth \(self.depth) is not 6n + 4", remedy: "take 10, 16, 22, 28, 34 or 40")
        }
        guard (1...64).contains(self.widen) else {
            throw Failure.usage("model wide-resnet: widen \(self.widen) is outside 1…64")
        }
    }

    /// The network for images of shape `input` and `classes` classes.
    ///
    /// - Throws: `Failure` for images smaller than 8×8 or without 1 or 3 channels, fewer than 2 classes, or a normalisation
    ///   for another number of channels.
    package func network(input: ImageShape, classes: Int) throws -> Network {
        guard input.height >= 8, input.width >= 8, input.channels == 1 || input.channels == 3 else {
            throw Failure.usage(
                "model \(name): images of \(input) do not fit", remedy: "images need at least 8×8 pixels and 1 or 3 channels")
        }
        guard classes >= 2 else { throw Failure.usage("model \(name): \(classes) classes; a classifier needs 2 or more") }
        if let normalization, normalization.expanded(to: input.channels) == nil {
            throw Failure.usage(
                "model \(name): a mean and a deviation for \(normalization.mean.count) channels, but the images have \(input.channels)",
                remedy: "give one number for each channel, or one for all")
        }
        if name == Family.denseNet121.rawValue, min(input.height, input.width) < denseNetMinimumSide(stem) {
            throw Failure.usage(
                "model \(name): images of \(input) are too small for the stem \(stem.rawValue)",
                remedy: "take images of at least \(denseNetMinimumSide(stem)) pixels a side\(stem == .imagenet ? ", or the stem cifar" : "")")
        }
        let net = NetworkBuilder(input: input, normalization: normalization?.expanded(to: input.channels))
        switch Family(rawValue: name) {
        case .cnn: return smallCNN(on: net, classes: classes, width: width)
        case .resnet18: return resNet(.basic, [2, 2, 2, 2], on: net, classes: classes, width: width, stem: stem)
        case .resnet34: return resNet(.basic, [3, 4, 6, 3], on: net, classes: classes, width: width, stem: stem)
        case .resnet50: return resNet(.bottleneck, [3, 4, 6, 3], on: net, classes: classes, width: width, stem: stem)
        case .denseNet121: return denseNet([6, 12, 24, 16], on: net, classes: classes, width: width, stem: stem)
        case .preActResNet18: return preActResNet([2, 2, 2, 2], on: net, classes: classes, width: width, stem: stem)
        case .preActResNet34: return preActResNet([3, 4, 6, 3], on: net, classes: classes, width: width, stem: stem)
        case .wideResNet: return wideResNet(depth: depth, widen: widen, on: net, classes: classes, width: width, stem: stem)
        case nil: throw Failure.internalError("model: no network is called \(name)")
        }
    }
}
