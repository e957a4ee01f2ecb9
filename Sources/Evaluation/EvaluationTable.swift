import Diagnostics

/// Results as a table to read.
package enum EvaluationTable {
    /// - Parameter heading: what was evaluated, and how.
    package static func text(_ report: EvaluationReport, region: EvaluationProtocol.Region, heading: String) -> String {
        var text = heading + "\n| epsilon | accuracy | top-5 | loss |\n| ---: | ---: | ---: | ---: |"
        for row in report.rows {
            text += "\n| \(radius(row.epsilon)) | \(percent(row.accuracy)) | \(row.top5.map(percent) ?? "") | \(decimal(row.loss, 4)) |"
        }
        if let empty = report.rows.map(\.emptyRegions).max(), empty > 0 {
            text += "\nThe region is empty in \(empty) images (\(region == .salient || region == .random ? "no map, or nothing in it above the threshold" : "every pixel is salient")): they are left out."
        }
        for row in report.rows where row.zeroGradients > 0 {
            text += "\nwarning: at \(radius(row.epsilon)), \(row.zeroGradients) of \(row.count) images had no gradient where the attack started: "
            text += "that hides weaknesses from gradient attacks and is no sign of robustness"
        }
        return text
    }

    /// A radius as the field writes it.
    package static func radius(_ epsilon: Float) -> String {
        let levels = (epsilon * 255).rounded()
        return epsilon > 0 && levels / 255 == epsilon ? "\(Int(levels))/255" : "\(epsilon == 0 ? "0" : "\(epsilon)")"
    }
}
