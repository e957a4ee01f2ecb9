import Diagnostics
import Foundation
import Images
import Kernels

/// What decoding one file of a collection showed.
struct InspectedImage: Sendable {
    var header: ImageHeader
    var fileHash: UInt64
    /// Fitted to the wanted size; empty where none was wanted.
    var pixels: [UInt8]
    /// 16 rows of 16 comparisons between neighbours in a grey 17×16 reduction: alike images have alike bits.
    var differenceHash: SIMD4<UInt64>
}

/// Decodes every image of a collection, several at a time, in bounded memory.
struct Inspection {
    let collection: ImageCollection
    /// Nil: nothing is fitted.
    let settings: FitSettings?
    var limit = PixelLimit.standard

    /// Calls `use` with each image, in order, on this thread.
    ///
    /// - Parameters:
    ///   - use: its result, or why the file cannot be used.
    ///   - progress: images done.
    func run(order: [Int], progress: (Int) -> Void = { _ in }, use: (Int, Result<InspectedImage, Failure>) throws -> Void) throws {
        let chunk = 64
        for start in stride(from: 0, to: order.count, by: chunk) {
            let part = Array(order[start..<min(start + chunk, order.count)])
            let results = ResultSlots(part.count)
            DispatchQueue.concurrentPerform(iterations: part.count) { place in
                let entry = collection.entries[part[place]]
                results.set(place, Result { try inspect(entry) }.mapError { $0 as? Failure ?? .internalError("\(entry.path): \($0)") })
            }
            for (place, index) in part.enumerated() { try use(index, results.take(place)) }
            progress(start + part.count)
        }
    }

    private func inspect(_ entry: ImageEntry) throws -> InspectedImage {
        let path = collection.path(of: entry)
        let bytes = try collection.bytes(of: entry)
        var hash = ContentHash()
        bytes.withUnsafeBytes { hash.combine($0) }
        let options = DecodingOptions(channels: settings?.channels ?? .grey, limit: settings?.limit ?? limit)
        let decoded = try bytes.withUnsafeBytes { try Image.decode($0, name: path, options: options) }
        var pixels: [UInt8] = []
        if let settings {
            pixels = [UInt8](repeating: 0, count: settings.shape.count)
            let geometry = SampleDraw.none.geometry(
                source: decoded.header.size, orientation: decoded.header.orientation, fit: settings.geometry, size: settings.size)
            pixels.withUnsafeMutableBufferPointer { geometry.apply(to: decoded.image, denominator: decoded.denominator, into: $0.baseAddress!) }
        }
        return InspectedImage(
            header: decoded.header, fileHash: hash.value, pixels: pixels,
            differenceHash: settings == nil ? DuplicateSearch.differenceHash(decoded.image) : SIMD4())
    }
}

/// Results of parallel work. Each place is written by one thread and read after all have ended: hence `@unchecked Sendable`.
private final class ResultSlots: @unchecked Sendable {
    private let slots: UnsafeMutableBufferPointer<Result<InspectedImage, Failure>?>

    init(_ count: Int) {
        slots = .allocate(capacity: count)
        slots.initialize(repeating: nil)
    }

    deinit { slots.deinitialize().deallocate() }

    func set(_ place: Int, _ result: Result<InspectedImage, Failure>) { slots[place] = result }

    func take(_ place: Int) -> Result<InspectedImage, Failure> {
        defer { slots[place] = nil }
        return slots[place]!
    }
}
