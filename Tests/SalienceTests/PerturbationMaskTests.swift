import Diagnostics
import Salience
import Testing

@Suite struct PerturbationMaskTests {
    func fill(_ mode: PerturbationMask, _ salience: [Float], annotated: [Bool]? = nil, pixels: Int? = nil) -> [Float] {
        let pixels = pixels ?? salience.count
        var mask = [Float](repeating: -1, count: salience.count)
        mode.fill(&mask, salience: salience, annotated: annotated, images: salience.count / pixels, pixels: pixels)
        return mask
    }

    let salience: [Float] = [0, 0.25, 0.499, 0.5, 0.501, 0.75, 1]

    @Test func eachModeIsAsDefined() throws {
        // The published code: M = 1 − S, then 1 where M ≥ 0.5.
        #expect(fill(.binary(threshold: 0.5), salience) == [1, 1, 1, 1, 0, 0, 0])
        #expect(fill(.binary(threshold: 0.75), salience) == [1, 1, 0, 0, 0, 0, 0])
        #expect(fill(.soft, salience) == salience.map { 1 - $0 })
        #expect(fill(.inverted(threshold: 0.5), salience) == [0, 0, 0, 1, 1, 1, 1])
    }

    @Test(arguments: [PerturbationMask.binary(threshold: 0.5), .soft, .inverted(threshold: 0.5)])
    func anImageWithoutAnnotationIsAttackedEverywhere(mode: PerturbationMask) {
        let maps: [Float] = [0, 0, 1, 0, 0, 1]
        let mask = fill(mode, maps, annotated: [false, true, false], pixels: 2)
        #expect(Array(mask[0..<2]) == [1, 1] && Array(mask[4..<6]) == [1, 1])
        #expect(Array(mask[2..<4]) == (mode == .inverted(threshold: 0.5) ? [1, 0] : [0, 1]))
    }

    @Test func theSalienceMayBeOverwritten() {
        var values = salience
        values.withUnsafeMutableBufferPointer {
            PerturbationMask.soft.fill($0.baseAddress!, salience: UnsafePointer($0.baseAddress!), images: 1, pixels: $0.count)
        }
        #expect(values == salience.map { 1 - $0 })
    }

    @Test func namesAndThresholdsAreChecked() throws {
        #expect(try PerturbationMask(.binary) == .binary(threshold: 0.5))
        #expect(try PerturbationMask(.soft) == .soft)
        #expect(try PerturbationMask(.inverted, threshold: 0.25) == .inverted(threshold: 0.25))
        for threshold in [0, -1, 1.5, Float.nan] { #expect(failure { _ = try PerturbationMask(.soft, threshold: threshold) }?.kind == .usage) }
    }

    @Test(arguments: [0, 0.1, 0.255, 0.5, 1]) func exactlyTheShareIsLeftUnannotated(share: Double) {
        let chosen = unannotatedSamples(share: share, count: 1000, seed: 7)
        #expect(chosen.count == 1000 && chosen.filter { $0 }.count == Int((share * 1000).rounded()))
        #expect(chosen == unannotatedSamples(share: share, count: 1000, seed: 7))
        if share > 0, share < 1 {
            #expect(chosen != unannotatedSamples(share: share, count: 1000, seed: 8))
            // Spread over the whole set, not a stretch of it.
            let firstHalf = chosen[..<500].filter { $0 }.count
            #expect(abs(Double(firstHalf) - share * 500) < 40)
        }
        // A smaller share is part of a larger one.
        let larger = unannotatedSamples(share: min(1, share + 0.2), count: 1000, seed: 7)
        #expect(zip(chosen, larger).allSatisfy { !$0 || $1 })
    }

    @Test func theChoiceIsFixedForEver() {
        // A resumed run, or one of a later version, must leave out the same images: those that a separate Philox and
        // Fisher-Yates in Python chose.
        let chosen = unannotatedSamples(share: 0.3, count: 10, seed: 42)
        #expect(chosen.indices.filter { chosen[$0] } == [6, 8, 9])
    }
}
