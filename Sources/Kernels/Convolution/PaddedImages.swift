/// A batch of images with zeros around each.
struct PaddedImages: Sendable {
    let image: ImageShape
    let top: Int
    let left: Int
    let height: Int
    let width: Int

    /// Negative margins count as none.
    init(_ image: ImageShape, top: Int, left: Int, bottom: Int, right: Int) {
        self.image = image
        self.top = max(0, top)
        self.left = max(0, left)
        height = image.height + self.top + max(0, bottom)
        width = image.width + self.left + max(0, right)
    }

    /// Whether there are any zeros, and so a copy.
    var isNeeded: Bool { height != image.height || width != image.width }

    /// Values of one image with its zeros.
    var imageCount: Int { height * width * image.channels }

    /// Copies `count` images to `workspace` with zeros around them, or returns them as they are if none are needed.
    func prepare(
        _ images: UnsafePointer<Float>, images count: Int, workspace: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        guard isNeeded else { return images }
        copy(images, images: count, to: workspace)
        return UnsafePointer(workspace)
    }

    func copy(_ images: UnsafePointer<Float>, images count: Int, to target: UnsafeMutablePointer<Float>) {
        let rowCount = image.width * image.channels
        let before = left * image.channels
        let after = (width - image.width) * image.channels - before
        var (source, target) = (images, target)
        for _ in 0..<count {
            target.update(repeating: 0, count: top * width * image.channels)
            target += top * width * image.channels
            for _ in 0..<image.height {
                target.update(repeating: 0, count: before)
                (target + before).update(from: source, count: rowCount)
                (target + before + rowCount).update(repeating: 0, count: after)
                target += width * image.channels
                source += rowCount
            }
            let rest = (height - top - image.height) * width * image.channels
            target.update(repeating: 0, count: rest)
            target += rest
        }
    }
}
