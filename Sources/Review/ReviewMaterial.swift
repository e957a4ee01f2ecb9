import Datasets
import Diagnostics
import Digests
import Images
import Salience

/// The images of a review and what machines said of them, all splits one after the other. Safe to share between threads.
package struct ReviewMaterial: Sendable {
    /// One split.
    package struct Part: Sendable {
        package let dataset: SalienceProvenance.Dataset
        package let images: any ImageSource
        /// The maps that people are shown, then others that are compared with them.
        package let maps: [any SalienceSource]
        /// Maps that are known to be right, for some images; nil where there are none.
        package let trusted: (any SalienceSource)?

        package init(dataset: SalienceProvenance.Dataset, images: any ImageSource, maps: [any SalienceSource], trusted: (any SalienceSource)?) {
            self.dataset = dataset
            self.images = images
            self.maps = maps
            self.trusted = trusted
        }
    }

    package let parts: [Part]
    package let size: PixelSize
    package let channels: Channels
    private let firsts: [Int]

    /// - Throws: `Failure` where maps do not belong to the images, or splits differ in size.
    package init(_ parts: [Part]) throws {
        guard let first = parts.first else { throw Failure.usage("there are no images to review", remedy: "check --data") }
        size = first.images.imageSize
        guard let channels = Channels(rawValue: first.images.imageShape.channels) else {
            throw Failure.usage("images of \(first.images.imageShape.channels) channels cannot be shown", remedy: "review grey or colour images")
        }
        self.channels = channels
        for part in parts {
            guard part.images.imageShape == first.images.imageShape else {
                throw Failure.badData("\(part.dataset.split) images are \(part.images.imageShape), \(first.dataset.split) images \(first.images.imageShape)", remedy: "pack them at one size")
            }
            for maps in part.maps + (part.trusted.map { [$0] } ?? []) where maps.count != part.images.count || maps.size != size {
                throw Failure.badData(
                    "\(maps.path): \(maps.count) maps of \(maps.size) for \(part.images.count) images of \(size)", remedy: "make the maps for this data set")
            }
        }
        self.parts = parts
        firsts = parts.reduce(into: [0]) { $0.append($0.last! + $1.images.count) }
    }

    /// Compares images and maps with those that were planned.
    ///
    /// - Throws: `Failure.badData` when they are others.
    package func check(_ plan: ReviewPlan) throws {
        func others(_ paths: [String], _ what: String) -> Failure {
            .badData("\(paths.joined(separator: ", ")): \(what) are others than when the review was planned", remedy: "put them back, or plan the review anew")
        }
        for (part, planned) in zip(parts, plan.parts) {
            guard part.dataset == planned.dataset else { throw others([plan.data.data], "the \(planned.dataset.split) images") }
            guard part.maps.map(\.fingerprint) == planned.maps else { throw others(plan.maps, "the maps") }
            guard planned.trusted == nil || part.trusted?.fingerprint == planned.trusted else {
                throw others([plan.trusted ?? ""], "the maps known to be right")
            }
        }
    }

    /// Images of all splits.
    package var count: Int { firsts.last! }

    /// Image `index` of a split, counted over all splits.
    package func number(of index: Int, part: Int) -> Int { firsts[part] + index }

    /// The split of image `number` and its index there.
    package func place(_ number: Int) -> (part: Part, index: Int) {
        let part = parts.indices.last { firsts[$0] <= number }!
        return (parts[part], number - firsts[part])
    }

    /// The pixels, height × width × channels.
    package func pixels(_ number: Int) throws -> [UInt8] {
        let (part, index) = place(number)
        return try [UInt8](unsafeUninitializedCapacity: part.images.imageShape.count) { buffer, initialized in
            _ = try part.images.read(index, .none, into: buffer.baseAddress!)
            initialized = part.images.imageShape.count
        }
    }

    package func image(_ number: Int) throws -> Image { Image(size: size, channels: channels, pixels: try pixels(number)) }

    /// A map in 256 steps; zeros where there is none.
    package func map(_ number: Int, of source: (Part) -> (any SalienceSource)? = { $0.maps[0] }) throws -> [UInt8] {
        let (part, index) = place(number)
        guard let maps = source(part) else { return [UInt8](repeating: 0, count: size.pixels) }
        return try withUnsafeTemporaryAllocation(of: Float.self, capacity: size.pixels) { values in
            try maps.read(index, into: values.baseAddress!)
            return values.map { UInt8((min(1, max(0, $0)) * 255).rounded()) }
        }
    }

    package func state(_ number: Int) -> SalienceState {
        let (part, index) = place(number)
        return part.maps[0].state(of: index)
    }

    package func label(_ number: Int) -> Int {
        let (part, index) = place(number)
        return Int(part.images.labels[index])
    }

    package func className(_ number: Int) -> String { place(number).part.images.classNames[label(number)] }
}
