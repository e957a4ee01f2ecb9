import Diagnostics
import Images

/// What a file says of one image: shapes with labels, in whatever coordinates it uses.
package struct ImageAnnotation: Sendable, Hashable {
    /// Names by which the image may be known, the best first.
    package var names: [String]
    /// Size of the image as the file has it; nil where it does not say (or says 0).
    package var size: PixelSize?
    /// Whether coordinates are shares of the image's width and height, else pixels.
    package var isRelative = false
    /// Whether they are in the pixels of the file, whatever EXIF says, when the size does not tell; else of the upright image.
    package var isStored = false
    package var regions: [Region] = []
    /// The file it was read from, for the record; nil where all are in one.
    package var file: String?
    package var fileHash: String?
    /// Whether somebody looked: an annotation without regions says that there is nothing.
    package var wasSeen = true
    /// What could not be used, such as kinds of shapes, with how many. An annotation that holds nothing else counts as unseen.
    package var leftOut: [String: Int] = [:]

    package init(names: [String], size: PixelSize? = nil) {
        self.names = names
        self.size = size
    }

    /// A part of the image with a label.
    package struct Region: Sendable, Hashable {
        package var label: String
        package var shape: Shape

        package init(label: String, shape: Shape) {
            self.label = label
            self.shape = shape
        }
    }

    package enum Shape: Sendable, Hashable {
        case outline(Outline)
        /// A mask of the whole image or a part of it.
        case mask(AnnotationMask)
    }
}

/// All that was found in files of one format.
package struct Annotations: Sendable {
    package var images: [ImageAnnotation] = []
    /// What a person should know of how the files were read: the pixel convention, what is not supported.
    package var notes: [String] = []
    /// Settings for the record.
    package var settings: [String: SalienceSetting] = [:]
    /// Why files, or elements of one, were left out: they could not be read.
    package var skipped: [Failure] = []

    package init() {}

    /// Reads one element of a file that holds many: one that fails ends it, or is left out where `options` say so.
    ///
    /// - Returns: whether it could be read.
    @discardableResult
    mutating func reading(_ options: AnnotationOptions, _ body: (inout Annotations) throws -> Void) throws -> Bool {
        do {
            try body(&self)
            return true
        } catch let failure as Failure where options.skipsBadFiles {
            skipped.append(failure)
            return false
        }
    }
}

/// A value per pixel that is unpacked when it is needed.
package struct AnnotationMask: Sendable, Hashable {
    package enum Coding: Sendable, Hashable {
        /// Lengths of runs, by turns of 0 and 255, first of 0; down the columns, or along the rows.
        case runs([Int], byColumn: Bool)
        /// Label Studio's bit stream of RGBA values, of which the last counts.
        case brush([UInt8])
        /// A PNG file in memory, and how its values are meant.
        case png([UInt8], PNGMask.Meaning)
        /// A PNG file.
        case file(String, PNGMask.Meaning)
    }

    package var coding: Coding
    /// Of the mask.
    package var size: PixelSize
    /// Where its upper left corner lies in the image, column and row; nil: it is of the whole image.
    package var corner: Corner?

    package struct Corner: Sendable, Hashable {
        package var left: Int
        package var top: Int
    }

    /// Of the whole image.
    package init(_ coding: Coding, size: PixelSize) {
        self.coding = coding
        self.size = size
    }

    /// Of a part of it.
    package init(_ coding: Coding, size: PixelSize, left: Int, top: Int) {
        self.coding = coding
        self.size = size
        corner = Corner(left: left, top: top)
    }

    /// The values, 0 to 255, `size.pixels` of them, and how they were understood where that is not plain.
    ///
    /// - Parameter name: for messages.
    /// - Throws: `Failure.badData` where they are damaged or of another size.
    package func unpacked(name: String) throws -> (values: [UInt8], remark: String?) {
        switch coding {
        case .runs(let runs, let byColumn): (try MaskRuns.unpack(runs, size: size, byColumn: byColumn, name: name), nil)
        case .brush(let bytes): (try BrushCoding.unpack(bytes, size: size, name: name), nil)
        case .png(let bytes, let meaning): try PNGMask.values(bytes.withUnsafeBytes { try RawPNG($0, name: name) }, meaning, expecting: size, name: name)
        case .file(let path, let meaning): try PNGMask.values(RawPNG(path: path), meaning, expecting: size, name: path)
        }
    }
}

/// How the readers are asked to read.
package struct AnnotationOptions: Sendable, Hashable {
    /// Which pixel a box's numbers mean.
    package enum Convention: String, Sendable, CaseIterable {
        /// Told by the numbers found.
        case auto
        /// Corners are pixels counted from 1, both in the box.
        case oneBased = "one-based"
        /// Corners are places between pixels, counted from 0.
        case zeroBased = "zero-based"
    }

    /// In which pixels annotations are of an image that EXIF turns.
    package enum Frame: String, Sendable, CaseIterable {
        /// Told by the size that the annotation states; where it states none, or one that fits both, the upright ones.
        case auto
        /// Those of the file, where the size does not say otherwise.
        case stored
        /// Those of the image as it is shown, where the size does not say otherwise.
        case upright
    }

    /// Labels that are salient; nil: all.
    package var labels: Set<String>?
    /// What cannot be read is left out instead of ending the import: files, or of a file that holds many images, elements.
    package var skipsBadFiles = false
    package var convention = Convention.auto
    package var frame = Frame.auto
    /// Label Studio: take predictions where there is no annotation.
    package var takesPredictions = false
    /// PNG: black is salient.
    package var invertsMasks = false

    package init() {}
}

extension PixelSize {
    /// Nil unless both are positive and their product can be an image.
    init?(declaredWidth width: Double?, height: Double?) {
        guard let width, let height, (1...1_000_000).contains(width), (1...1_000_000).contains(height) else { return nil }
        self.init(width: Int(width), height: Int(height))
    }
}
