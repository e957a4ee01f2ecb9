import Diagnostics

/// One image at one radius, as a line of `sipat evaluate --per-sample`.
struct SampleLine: Encodable {
    let index: Int
    let epsilon: Float
    let label: Int
    let logits: [Float]
    let cleanPrediction: Int
    let prediction: Int
    let robust: Bool
    let attackable: Bool
    let loss: Float
    let linf: Float
    let l2: Float

    init(_ record: SampleRecord) {
        index = record.index
        epsilon = record.epsilon
        label = record.label
        logits = record.cleanLogits
        cleanPrediction = record.cleanPrediction
        prediction = record.prediction
        robust = record.isRobust
        attackable = !record.hasEmptyRegion
        loss = record.loss
        linf = record.linf
        l2 = record.l2
    }
}

/// Writes a JSON line per record, whole or not at all.
package func writeLines(_ records: [SampleRecord], to path: String) throws {
    try writeAtomically(to: path) { sink in
        for record in records { try jsonBytes(SampleLine(record), .line).withUnsafeBytes { try sink($0) } }
    }
}

/// Writes lines of a ledger, whole or not at all.
package func writeLines(_ lines: [LedgerLine], to path: String) throws {
    try writeAtomically(to: path) { sink in
        for line in lines { try jsonBytes(line, .line).withUnsafeBytes { try sink($0) } }
    }
}
