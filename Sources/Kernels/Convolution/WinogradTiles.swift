/// The 4 × 4 tiles that cover an image; tiles are numbered through the images of a batch.
struct TileGrid: Sendable {
    /// The image of a tile, and the row and column of its first pixel.
    struct Position {
        var image: Int
        var row: Int
        var column: Int
    }

    let rows: Int
    let columns: Int

    init(height: Int, width: Int) {
        rows = (height + 3) / 4
        columns = (width + 3) / 4
    }

    var count: Int { rows * columns }

    func position(_ tile: Int) -> Position {
        let (image, rest) = tile.quotientAndRemainder(dividingBy: count)
        let (row, column) = rest.quotientAndRemainder(dividingBy: columns)
        return Position(image: image, row: row * 4, column: column * 4)
    }

    /// Moves `position` to the next tile.
    @inline(__always)
    func advance(_ position: inout Position) {
        position.column += 4
        if position.column == columns * 4 {
            position.column = 0
            position.row += 4
            if position.row == rows * 4 {
                position.row = 0
                position.image += 1
            }
        }
    }
}

/// Reads tiles of images, with zeros around them, and transforms them.
struct TileReader {
    private let image: ImageShape
    private let grid: TileGrid
    private let padding: Int

    /// - Parameter padding: zeros before the image's first row and column, and as many as needed after the last.
    init(_ image: ImageShape, _ grid: TileGrid, padding: Int) {
        self.image = image
        self.grid = grid
        self.padding = padding
    }

    /// Bᵀ·d·B of the 6 × 6 patches of `count` tiles, to [channel block][tile][tap][16].
    @inline(never)
    func transformInput(
        _ images: UnsafePointer<Float>, first: Int, count: Int, scratch: UnsafeMutablePointer<Float>,
        to target: UnsafeMutablePointer<Float>, pitch: Int, tileStep: Int = WinogradProduct.rowStep, tapStep: Int = lanes
    ) {
        let (channels, rowStep) = (image.channels, image.width * image.channels)
        let blocks = channelBlocks(channels)
        var position = grid.position(first)
        for tile in 0..<count {
            let patch = Patch(
                image, position.image, row: position.row - padding, column: position.column - padding, size: 6)
            for block in 0..<blocks {
                var source = images + patch.start + block * lanes
                let full = patch.columns.count == 6 && (block + 1) * lanes <= channels
                for i in 0..<6 {
                    let row = scratch + i * 6 * lanes
                    if !patch.rows.contains(i) {
                        for j in 0..<6 { store(Vector(), to: row + j * lanes) }
                    } else if full {
                        let d = (
                            load(source), load(source + channels), load(source + 2 * channels),
                            load(source + 3 * channels), load(source + 4 * channels), load(source + 5 * channels)
                        )
                        WinogradTransforms.transformInputRow(d, to: row)
                    } else {
                        let used = min(lanes, channels - block * lanes)
                        let d = (
                            patch.load(source, 0, used), patch.load(source, 1, used), patch.load(source, 2, used),
                            patch.load(source, 3, used), patch.load(source, 4, used), patch.load(source, 5, used)
                        )
                        WinogradTransforms.transformInputRow(d, to: row)
                    }
                    source += rowStep
                }
                WinogradTransforms.transformInputColumns(
                    scratch, to: target + block * pitch + tile * tileStep, tapStep: tapStep)
            }
            grid.advance(&position)
        }
    }

    /// A·g·Aᵀ of `count` 4 × 4 tiles, to [channel block][tile][tap][16].
    @inline(never)
    func transformOutputGradient(
        _ images: UnsafePointer<Float>, first: Int, count: Int, scratch: UnsafeMutablePointer<Float>,
        to target: UnsafeMutablePointer<Float>, pitch: Int
    ) {
        let (channels, rowStep) = (image.channels, image.width * image.channels)
        let blocks = channelBlocks(channels)
        var position = grid.position(first)
        for tile in 0..<count {
            let patch = Patch(
                image, position.image, row: position.row - padding, column: position.column - padding, size: 4)
            for block in 0..<blocks {
                var source = images + patch.start + block * lanes
                let full = patch.columns.count == 4 && (block + 1) * lanes <= channels
                for i in 0..<4 {
                    let row = scratch + i * 6 * lanes
                    if !patch.rows.contains(i) {
                        for j in 0..<6 { store(Vector(), to: row + j * lanes) }
                    } else if full {
                        let g = (
                            load(source), load(source + channels), load(source + 2 * channels), load(source + 3 * channels)
                        )
                        WinogradTransforms.transformOutputGradientRow(g, to: row)
                    } else {
                        let used = min(lanes, channels - block * lanes)
                        let g = (
                            patch.load(source, 0, used), patch.load(source, 1, used), patch.load(source, 2, used),
                            patch.load(source, 3, used)
                        )
                        WinogradTransforms.transformOutputGradientRow(g, to: row)
                    }
                    source += rowStep
                }
                WinogradTransforms.transformOutputGradientColumns(
                    scratch, to: target + block * pitch + tile * WinogradProduct.rowStep)
            }
            grid.advance(&position)
        }
    }
}

/// A square of pixels of one image, parts of which may lie outside it.
struct Patch {
    /// The rows and columns of the patch that lie inside.
    let rows: Range<Int>
    let columns: Range<Int>
    /// Where the patch's first value would lie, were it inside.
    let start: Int
    private let channels: Int

    @inline(__always)
    init(_ image: ImageShape, _ index: Int, row: Int, column: Int, size: Int) {
        rows = max(0, -row)..<max(0, -row, min(size, image.height - row))
        columns = max(0, -column)..<max(0, -column, min(size, image.width - column))
        start = ((index * image.height + row) * image.width + column) * image.channels
        channels = image.channels
    }

    /// The first `used` channels of column `j` of the row at `source`: zeros where that is outside.
    @inline(__always)
    func load(_ source: UnsafePointer<Float>, _ j: Int, _ used: Int) -> Vector {
        if !columns.contains(j) { return Vector() }
        let pixel = source + j * channels
        return loadChannels(pixel, used)
    }
}
