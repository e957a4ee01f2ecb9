/// What was measured, as a table, as CSV and as a picture.
extension ScaleRun {
    private struct Row {
        let point: ScalePoint
        let speedup: Double
        let efficiency: Double
    }

    /// Points in order, with speed relative to the fewest workers of the same kind of scaling.
    private var rows: [Row] {
        ScalePoint.Scaling.allCases.flatMap { scaling -> [Row] in
            let own = points.filter { $0.scaling == scaling }.sorted { ($0.workers, $0.threads) < ($1.workers, $1.threads) }
            guard let base = own.first else { return [] }
            return own.map { point in
                let speedup = point.imagesPerSecond / base.imagesPerSecond
                return Row(
                    point: point, speedup: speedup, efficiency: speedup * Double(base.workers) / Double(point.workers))
            }
        }
    }

    package var table: String {
        var lines = [
            "\(work.model)\(work.width.map { " width \($0)" } ?? ""), PGD-\(work.pgdSteps), \(work.inputSize)×\(work.inputSize), micro-batches of \(work.microBatch); "
                + "strong: \(work.globalBatch) images per step, weak: \(work.rankBatch) per rank",
            "\(cores) cores: \(cpu). Medians; efficiency against the fewest ranks.",
            "",
            "| scaling | ranks | threads | step | images/s | speedup | efficiency | exposed communication | slowest rank | spread |",
            "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for row in rows {
            let p = row.point
            lines.append(
                "| \(p.scaling.rawValue)\(p.isOversubscribed ? " (oversubscribed)" : "") | \(p.ranks) | \(p.threads) | \(decimals(p.stepSeconds, 3)) s "
                    + "| \(decimals(p.imagesPerSecond, 1)) | \(decimals(row.speedup, 2)) | \(decimals(row.efficiency, 2)) "
                    + "| \(decimals(1000 * p.exposedCommunication, 1)) ms | +\(decimals(100 * p.imbalance, 1)) % | \(decimals(100 * p.spread, 1)) % |")
        }
        return lines.joined(separator: "\n")
    }

    package var csv: String {
        var lines = [
            "scaling,ranks,threads,rank_batch,oversubscribed,step_seconds,images_per_second,speedup,efficiency,compute_seconds,"
                + "exposed_communication_seconds,hidden_communication_seconds,imbalance,spread"
        ]
        for row in rows {
            let p = row.point
            let numbers = [
                p.stepSeconds, p.imagesPerSecond, row.speedup, row.efficiency, p.compute, p.exposedCommunication,
                p.hiddenCommunication, p.imbalance, p.spread,
            ]
            lines.append(
                "\(p.scaling.rawValue),\(p.ranks),\(p.threads),\(p.rankBatch),\(p.isOversubscribed),"
                    + numbers.map { "\($0)" }.joined(separator: ","))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    package var picture: String {
        let rows = rows
        func lines(_ value: (Row) -> Double) -> [LineChart.Line] {
            ScalePoint.Scaling.allCases.compactMap { scaling in
                let own = rows.filter { $0.point.scaling == scaling }
                guard !own.isEmpty else { return nil }
                return LineChart.Line(
                    name: "\(scaling.rawValue), measured", points: own.map { ($0.point.workers, value($0), $0.point.isOversubscribed) })
            }
        }
        let workers = Set(points.map(\.workers)).sorted()
        let least = workers.first ?? 1
        let ideal = LineChart.Line(
            name: "ideal", points: workers.map { ($0, Double($0) / Double(least), false) }, isDashed: true)
        return LineChart.document(
            [
                LineChart(title: "Speedup", yLabel: "times the speed of \(least) rank(s)", isLogarithmic: true, lines: lines(\.speedup) + [ideal]),
                LineChart(title: "Efficiency", yLabel: "speed per rank, 1 is ideal", isLogarithmic: false, lines: lines(\.efficiency)),
            ],
            notes: ["Measured on \(cores) cores. Hollow points have more ranks than cores: they say nothing of a larger machine."])
    }
}

extension ScalePrediction {
    package var picture: String {
        let lines = series.map { one in
            LineChart.Line(
                name: "\(one.network.title), \(one.scaling.rawValue)", points: one.rows.map { ($0.step.ranks, $0.efficiency, false) })
        }
        return LineChart.document(
            [LineChart(title: "PREDICTED efficiency", yLabel: "speed per rank, 1 is ideal", isLogarithmic: false, lines: lines)],
            notes: ["A prediction, not a measurement. Assumptions:"] + assumptions.map { "· \($0.prefix(95))\($0.count > 95 ? "…" : "")" })
    }
}
