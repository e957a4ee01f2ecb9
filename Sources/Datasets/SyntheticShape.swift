/// The coarse outline of a synthetic object. Each is its own mirror image, so flipping an image does not change its
/// class.
enum SyntheticShape: Int, CaseIterable {
    case disk
    case square
    case triangle
    case cross
    case ring
    case diamond
    case wideBar
    case tallBar

    /// Whether the point is inside; the object spans about −1…1 in both directions, y downwards.
    func contains(x: Float, y: Float) -> Bool {
        let (ax, ay) = (abs(x), abs(y))
        switch self {
        case .disk: return x * x + y * y <= 0.81
        case .square: return max(ax, ay) <= 0.8
        case .triangle: return y <= 0.8 && ax <= 0.55 * (y + 1)
        case .cross: return min(ax, ay) <= 0.33 && max(ax, ay) <= 1
        case .ring: return (0.25...1).contains(x * x + y * y)
        case .diamond: return ax + ay <= 1.1
        case .wideBar: return ax <= 1 && ay <= 0.5
        case .tallBar: return ax <= 0.5 && ay <= 1
        }
    }
}
