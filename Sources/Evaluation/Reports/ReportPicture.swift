import Diagnostics
import Foundation
import Images
import Kernels

/// An image that fell, as reports show it: as it was, what was added, and what came of it.
package struct ReportPicture: Sendable, Hashable, Codable {
    package var index: Int
    package var label: Int
    package var cleanPrediction: Int
    package var prediction: Int
    package var attack: String
    package var epsilon: Float
    package var loss: Float
    package var linf: Float
    package var l2: Float
    /// What the perturbation is multiplied by in its picture, which is grey where nothing was changed.
    package var factor: Int
    /// Data URIs of PNG files.
    package var image: String
    package var perturbation: String
    package var adversarial: String
    /// The border of the protected part as an SVG path in pixels; nil for images without a map.
    package var outline: String?
    package var width: Int
    package var height: Int

    /// - Parameters:
    ///   - clean, adversarial: [height, width, channels] in [0, 1].
    ///   - protected: [height, width], whether a pixel is salient; nil without a map.
    /// - Throws: `Failure` when libpng fails, or there are neither one channel nor three.
    package init(
        index: Int, label: Int, cleanPrediction: Int, prediction: Int, attack: String, epsilon: Float, loss: Float, clean: [Float],
        adversarial: [Float], protected: [Bool]?, shape: ImageShape
    ) throws {
        self.index = index
        self.label = label
        self.cleanPrediction = cleanPrediction
        self.prediction = prediction
        self.attack = attack
        self.epsilon = epsilon
        self.loss = loss
        let moves = zip(adversarial, clean).map { $0 - $1 }
        linf = moves.map(abs).max() ?? 0
        l2 = moves.reduce(0) { $0 + $1 * $1 }.squareRoot()
        factor = max(1, Int(0.5 / max(linf, 1e-6)))
        image = try Self.uri(clean, shape)
        self.adversarial = try Self.uri(adversarial, shape)
        let scale = Float(factor)
        perturbation = try Self.uri(moves.map { 0.5 + scale * $0 }, shape)
        outline = protected.map { Self.outline($0, width: shape.width, height: shape.height) }
        (width, height) = (shape.width, shape.height)
    }

    /// Values in [0, 1] as the data URI of a PNG file.
    ///
    /// - Throws: `Failure` where there are neither one channel nor three.
    package static func uri(_ values: [Float], _ shape: ImageShape) throws -> String {
        guard let channels = Channels(rawValue: shape.channels) else {
            throw Failure.internalError("a picture of an image with \(shape.channels) channels")
        }
        let image = Image(
            size: PixelSize(width: shape.width, height: shape.height), channels: channels,
            pixels: values.map { UInt8(min(max(($0 * 255).rounded(), 0), 255)) })
        return "data:image/png;base64," + Data(try image.encodedAsPNG()).base64EncodedString()
    }

    /// The edges between pixels inside and outside, joined along rows and columns.
    package static func outline(_ inside: [Bool], width: Int, height: Int) -> String {
        func isIn(_ row: Int, _ column: Int) -> Bool {
            row >= 0 && row < height && column >= 0 && column < width && inside[row * width + column]
        }
        var path = ""
        for row in 0...height {
            var start: Int?
            for column in 0...width {
                let isEdge = column < width && isIn(row - 1, column) != isIn(row, column)
                if isEdge, start == nil { start = column }
                if !isEdge, let from = start {
                    path += "M\(from) \(row)H\(column)"
                    start = nil
                }
            }
        }
        for column in 0...width {
            var start: Int?
            for row in 0...height {
                let isEdge = row < height && isIn(row, column - 1) != isIn(row, column)
                if isEdge, start == nil { start = row }
                if !isEdge, let from = start {
                    path += "M\(column) \(from)V\(row)"
                    start = nil
                }
            }
        }
        return path
    }
}
