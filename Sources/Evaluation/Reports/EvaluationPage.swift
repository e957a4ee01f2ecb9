import Attacks
import Diagnostics

/// An evaluation as one HTML file to look at: `report.html`. Without scripts and without anything from elsewhere.
package struct EvaluationPage {
    package var result: EvaluationResult
    package var statistics: EvaluationStatistics
    package var checks: SelfChecks?
    package var measures: Measures?
    package var pictures: [ReportPicture]
    /// Each image's name by index, where it has one that says more than its number.
    package var titles: [Int: String]
    /// Command lines, one each.
    package var commands: [String]

    package init(
        result: EvaluationResult, statistics: EvaluationStatistics, checks: SelfChecks? = nil, measures: Measures? = nil,
        pictures: [ReportPicture] = [], titles: [Int: String] = [:], commands: [String] = []
    ) {
        self.result = result
        self.statistics = statistics
        self.checks = checks
        self.measures = measures
        self.pictures = pictures
        self.titles = titles
        self.commands = commands
    }

    var description: EvaluationDescription { result.description }

    package var document: String {
        let title = "\(description.model.name) on \(description.data.name)"
        let sections: [HTML?] = [
            header(title), headline, chart, regionMatrix, classes, attributes, confusion, topRanks, faults, hardest, checksSection, provenance,
        ]
        return HTML.document(title: "sipat evaluate: \(title)", style: Self.style, body: [.tag("main", [:], sections.compactMap { $0 })])
    }

    // MARK: Parts that sections share

    func section(_ id: String, _ title: String, _ content: [HTML]) -> HTML {
        .tag("section", ["id": id], [.tag("h2", [:], title)] + content)
    }

    func paragraph(_ text: String) -> HTML { .tag("p", [:], text) }

    func radius(_ epsilon: Float) -> String { epsilon == 0 ? "clean" : "ε = \(EvaluationTable.radius(epsilon))" }

    /// A share with its interval below it.
    func share(_ share: EvaluationStatistics.Share) -> HTML { cell(share.accuracy, share.interval, count: share.count) }

    func cell(_ accuracy: Double, _ interval: BinomialInterval, count: Int) -> HTML {
        guard count > 0 else { return .text("–") }
        return .text(percent(accuracy)) + .tag("small", [:], "\(decimal(100 * interval.low, 1))–\(decimal(100 * interval.high, 1))")
    }

    func texts(_ texts: [String]) -> [HTML] { texts.map { .text($0) } }

    private static let style: StaticString = """
        :root{--ink:#1c2330;--soft:#5a6474;--line:#d5dae2;--back:#fff;--fill:#f4f6f9;--good:#15703a;--warn:#9a5b00;--bad:#b3261e}
        @media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#a2abba;--line:#3a4352;--back:#14181f;--fill:#1d232d;--good:#5fcf8d;--warn:#f0b352;--bad:#ff8a80}}
        @media print{:root{--ink:#000;--soft:#444;--line:#bbb;--back:#fff;--fill:#f4f4f4;--good:#15703a;--warn:#9a5b00;--bad:#b3261e}section{break-inside:avoid-page}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
        h1{font-size:1.6rem;margin:.2rem 0 .4rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}
        h3{font-size:1rem;margin:1.2rem 0 .4rem}p{margin:.4rem 0;max-width:52rem}
        .facts{color:var(--soft)}small{display:block;color:var(--soft);font-size:.78em;white-space:nowrap}
        .wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .65rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}
        th{font-weight:600;color:var(--soft);vertical-align:bottom}.name{text-align:left}
        .mark{display:inline-block;padding:0 .5rem;border-radius:.6rem;border:1px solid currentColor;font-weight:600;font-size:.85em;white-space:nowrap}
        .passed,.trusted{color:var(--good)}.doubtful{color:var(--warn)}.failed,.invalid{color:var(--bad)}.skipped{color:var(--soft)}
        .verdict{font-size:1.05rem;padding:.6rem .8rem;background:var(--fill);border-left:4px solid currentColor}
        .warning{border-left:4px solid var(--warn);padding:.4rem .8rem;background:var(--fill)}
        .chart{width:100%;max-width:46rem;height:auto}.chart text{fill:var(--soft);font-size:12px}.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:.2rem 0;color:var(--soft)}.legend svg{margin-right:.4rem}
        .heat td{text-align:center;min-width:2.2rem}.heat .name{text-align:left;white-space:nowrap}.heat th span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:12rem;font-weight:400}
        .pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(21rem,1fr));gap:1.2rem}
        figure{margin:0;break-inside:avoid}.strip{display:flex;gap:.4rem}.strip svg{width:6.6rem;height:auto;background:var(--fill)}
        .strip image{image-rendering:pixelated}.under{fill:none;stroke:#000;stroke-width:3;vector-effect:non-scaling-stroke}.over{fill:none;stroke:#ffe14d;stroke-width:1.4;vector-effect:non-scaling-stroke}
        figcaption{font-size:.85em;color:var(--soft);margin-top:.3rem;overflow-wrap:anywhere}
        code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}pre{white-space:pre-wrap;background:var(--fill);padding:.6rem .8rem;margin:.4rem 0}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.6rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        """
}
