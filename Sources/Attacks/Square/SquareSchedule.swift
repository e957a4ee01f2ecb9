import Foundation

/// How large the windows of Square are (Andriushchenko et al., ECCV 2020): a share p of the pixels that is halved at fixed
/// iterations.
package enum SquareSchedule {
    /// The share of the pixels in iteration `iteration`, which counts from 0.
    package static func share(_ initial: Double, iteration: Int) -> Double {
        let halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000].count { iteration > $0 }
        return initial / Double(1 << halvings)
    }

    /// The side of a window.
    ///
    /// - Parameters:
    ///   - pixels: of which it covers `share`: those that may move.
    ///   - limit: the shorter side of the image.
    package static func side(_ norm: Norm, share: Double, pixels: Int, limit: Int) -> Int {
        let side = Int((share * Double(pixels)).squareRoot().rounded(.toNearestOrEven))
        switch norm {
        case .linf: return min(max(side, 1), limit)
        case .l2:
            // Odd, so that its pattern has a centre.
            let odd = max(side, 3)
            return min(odd % 2 == 0 ? odd + 1 : odd, limit)
        }
    }
}
