import Diagnostics
import Images
import Kernels
import Salience
import Testing

@Suite struct ControlTests {
    func chosen(_ count: Int, of map: [Float], height: Int, width: Int) -> [Float] {
        var result = [Float](repeating: -1, count: map.count)
        writeMostSalient(count, of: map, height: height, width: width, into: &result)
        return result
    }

    func blob(_ count: Int, height: Int, width: Int, sample: Int, seed: UInt64 = 0) -> [Float] {
        var map = [Float](repeating: -1, count: height * width)
        writeRandomBlob(count, height: height, width: width, stream: Philox(seed: seed, purpose: .controlBlob, sample: sample), into: &map)
        return map
    }

    @Test(arguments: [0, 1, 7, 20, 34, 35]) func exactlyTheCountIsChosenAndTheGreatest(count: Int) {
        for seed in 0..<20 {
            var map = [Float](repeating: 0, count: 35)
            Philox(seed: UInt64(seed), purpose: .test).fillUniform(&map, count: 35, low: 0, high: 1)
            // Half of the cases with many ties, in steps of a fifth.
            if seed % 2 == 0 { map = map.map { ($0 * 5).rounded(.down) / 5 } }
            let result = chosen(count, of: map, height: 5, width: 7)
            #expect(result.allSatisfy { $0 == 0 || $0 == 1 } && result.count { $0 == 1 } == count)
            let least = map.indices.filter { result[$0] == 1 }.map { map[$0] }.min() ?? 2
            let greatest = map.indices.filter { result[$0] == 0 }.map { map[$0] }.max() ?? -1
            #expect(least >= greatest)
        }
    }

    @Test func valuesThatDifferInTheLastBitAreToldApart() {
        let map: [Float] = [0.5, Float(0.5).nextUp, 0.25, Float(0.5).nextDown, 1, 0.5]
        #expect(chosen(2, of: map, height: 2, width: 3) == [0, 1, 0, 0, 1, 0])
        #expect(chosen(5, of: map, height: 2, width: 3) == [1, 1, 0, 1, 1, 1])
    }

    /// A box that is too large keeps its middle; one that is too small grows around itself.
    @Test func tiesGrowAroundWhatIsMarked() {
        let box = (0..<400).map { (4..<16).contains($0 / 20) && (2..<14).contains($0 % 20) ? Float(1) : 0 }
        let core = chosen(36, of: box, height: 20, width: 20)
        for i in 0..<400 where core[i] == 1 { #expect(box[i] == 1 && (5..<15).contains(i / 20) && (3..<13).contains(i % 20), "\(i / 20) \(i % 20)") }
        let grown = chosen(196, of: box, height: 20, width: 20)
        for i in 0..<400 {
            if box[i] == 1 { #expect(grown[i] == 1) }
            if grown[i] == 1 { #expect((2..<18).contains(i / 20) && (0..<16).contains(i % 20), "\(i / 20) \(i % 20)") }
        }
        #expect(Self.isContiguous(grown, height: 20, width: 20) && Self.isContiguous(core, height: 20, width: 20))
    }

    @Test func aConstantMapGivesItsMiddle() {
        let result = chosen(30, of: [Float](repeating: 1, count: 100), height: 10, width: 10)
        #expect(result[44] == 1 && result[55] == 1 && result[0] == 0 && result[99] == 0)
    }

    @Test func theShareIsRounded() {
        #expect(coveredPixels(0.3, of: 4096) == 1229 && coveredPixels(0.5, of: 9) == 5 && coveredPixels(0, of: 9) == 0 && coveredPixels(1, of: 9) == 9)
    }

    static func isContiguous(_ map: [Float], height: Int, width: Int) -> Bool {
        guard let first = map.firstIndex(of: 1) else { return true }
        var (seen, open) = (Set([first]), [first])
        while let next = open.popLast() {
            let (y, x) = (next / width, next % width)
            for (v, u) in [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)] where v >= 0 && v < height && u >= 0 && u < width {
                if map[v * width + u] == 1, seen.insert(v * width + u).inserted { open.append(v * width + u) }
            }
        }
        return seen.count == map.count { $0 == 1 }
    }

    @Test(arguments: [(1, 1), (1, 9), (12, 17), (20, 20)]) func blobsHaveTheirAreaAndHangTogether(height: Int, width: Int) {
        let pixels = height * width
        for sample in 0..<30 {
            for count in Set([0, 1, pixels / 5, pixels / 2, pixels - 1, pixels]) {
                let map = blob(count, height: height, width: width, sample: sample)
                #expect(map.allSatisfy { $0 == 0 || $0 == 1 } && map.count { $0 == 1 } == count)
                #expect(Self.isContiguous(map, height: height, width: width), "\(count) of \(height)×\(width), sample \(sample)")
            }
        }
    }

    @Test func blobsLieAnywhereAndFollowFromTheirKey() {
        #expect(blob(20, height: 16, width: 16, sample: 3) == blob(20, height: 16, width: 16, sample: 3))
        #expect(blob(20, height: 16, width: 16, sample: 3) != blob(20, height: 16, width: 16, sample: 4))
        #expect(blob(20, height: 16, width: 16, sample: 3) != blob(20, height: 16, width: 16, sample: 3, seed: 1))
        var sums = [Float](repeating: 0, count: 256)
        for sample in 0..<2000 { for (i, value) in blob(20, height: 16, width: 16, sample: sample).enumerated() { sums[i] += value } }
        // 156 on average; least in the corners.
        #expect(sums.min()! > 40 && sums.max()! < 280, "\(sums.min()!) \(sums.max()!)")
    }

    @Test(arguments: [2, 3, 10, 1000]) func nobodyKeepsItsOwn(count: Int) {
        let order = derangement(count, stream: Philox(seed: 4, purpose: .controlShuffle))
        #expect(order.sorted() == Array(0..<count) && order.indices.allSatisfy { order[$0] != $0 })
        if count > 3 { #expect(order != derangement(count, stream: Philox(seed: 5, purpose: .controlShuffle))) }
    }

    /// Six maps of 4×5: the third is empty, the others mark `index + 1` pixels of the first rows, in steps of a tenth.
    private func maps() throws -> SalienceMaps {
        var values = [Float](repeating: 0, count: 6 * 20)
        for index in [0, 1, 3, 4, 5] { for i in 0...index { values[20 * index + i] = 1 - Float(i) / 20 } }
        return try SalienceMaps(values: values, count: 6, height: 4, width: 5, provenance: annotators(6))
    }

    private func read(_ source: some SalienceSource, _ index: Int) throws -> [Float] {
        var map = [Float](repeating: -1, count: source.size.pixels)
        try source.read(index, into: &map)
        return map
    }

    private func controlled(_ rule: SalienceRule) throws -> ControlledSalience {
        try ControlledSalience(maps(), rule: rule, count: 6, size: PixelSize(width: 5, height: 4))
    }

    @Test(arguments: [SalienceControl?.none] + SalienceControl.allCases) func atEqualCoverageAllProtectAsMuch(control: SalienceControl?) throws {
        let source = try controlled(SalienceRule(control: control, coverage: 0.35, seed: 3))
        for index in 0..<6 {
            let map = try read(source, index)
            #expect(source.state(of: index) == (index == 2 ? .unseen : .map))
            #expect(map.count { $0 == 1 } == (index == 2 ? 0 : 7) && map.allSatisfy { $0 == 0 || $0 == 1 })
        }
        #expect(source.origins.map(\.kind) == [.rule, .person] && source.origins[0].settings?["coverage"] == .number(0.35))
        #expect(source.fingerprint.hasSuffix(", " + SalienceRule(control: control, coverage: 0.35, seed: 3).text))
    }

    @Test func withoutCoverageControlsHaveTheAreaOfTheMaps() throws {
        let original = try maps()
        for control in [SalienceControl.random, .centrePrior] {
            let source = try controlled(SalienceRule(control: control, seed: 3))
            for index in [0, 1, 3, 4, 5] {
                let map = try read(source, index)
                #expect(map.count { $0 == 1 } == index + 1 && map.count { $0 == 0 } == 19 - index)
                #expect(ControlTests.isContiguous(map, height: 4, width: 5))
            }
        }
        let shuffled = try controlled(SalienceRule(control: .shuffled, seed: 3))
        let found = try [0, 1, 3, 4, 5].map { try read(shuffled, $0) }
        let own = try [0, 1, 3, 4, 5].map { try read(original, $0) }
        #expect(Set(found) == Set(own) && zip(found, own).allSatisfy { $0 != $1 })
        #expect(try read(shuffled, 2) == [Float](repeating: 0, count: 20))
        // The threshold decides what counts: of the last image's six values, three are above 0.85.
        let strict = try controlled(SalienceRule(control: .random, threshold: 0.14, seed: 3))
        #expect(try read(strict, 5).count { $0 == 1 } == 3)
    }

    @Test func controlsWithoutMaps() throws {
        let size = PixelSize(width: 5, height: 4)
        let blobs = try ControlledSalience(nil, rule: SalienceRule(control: .random, coverage: 0.5), count: 3, size: size)
        #expect(try (0..<3).allSatisfy { try read(blobs, $0).count { $0 == 1 } == 10 && blobs.state(of: $0) == .map })
        let centre = try ControlledSalience(nil, rule: SalienceRule(control: .centrePrior), count: 3, size: size)
        #expect(try read(centre, 0) == read(centre, 2) && Set(read(centre, 0)).count > 2)
        for rule in [SalienceRule(control: .random), SalienceRule(control: .shuffled, coverage: 0.5), SalienceRule(coverage: 0.5)] {
            #expect(failure { _ = try ControlledSalience(nil, rule: rule, count: 3, size: size) }?.kind == .usage)
        }
        let one = try SalienceMaps(values: [1, 0, 0, 0], count: 2, height: 1, width: 2, provenance: annotators(2))
        #expect(failure { _ = try ControlledSalience(one, rule: SalienceRule(control: .shuffled), count: 2, size: PixelSize(width: 2, height: 1)) }?.kind == .badData)
    }

    /// Other places in each epoch, the same each time one epoch is asked for; the first epoch's are those of the blobs that stay.
    @Test func redrawnBlobsMoveWithTheEpoch() throws {
        func maps(_ redrawn: Bool, _ epoch: Int) throws -> [Float] {
            let source = try controlled(SalienceRule(control: .random, coverage: 0.35, seed: 3, redrawn: redrawn))
            return try (0..<6).flatMap { index in
                var map = [Float](repeating: -1, count: 20)
                try source.read(index, epoch: epoch, into: &map)
                #expect(map.count { $0 == 1 } == (index == 2 ? 0 : 7))
                return map
            }
        }
        #expect(try Set((0..<4).map { try maps(true, $0) }).count == 4)
        #expect(try maps(true, 2) == maps(true, 2) && maps(true, 0) == maps(false, 0))
        #expect(try Set((0..<4).map { try maps(false, $0) }).count == 1)
        let (anew, fixed) = try (controlled(SalienceRule(control: .random, redrawn: true)), controlled(SalienceRule(control: .random)))
        #expect(anew.fingerprint != fixed.fingerprint && anew.origins[0] != fixed.origins[0])
    }

    @Test func rulesSayWhatTheyDo() {
        #expect(SalienceRule().text.isEmpty)
        #expect(SalienceRule(coverage: 0.3).text == "coverage 0.3")
        #expect(SalienceRule(control: .shuffled, coverage: 0.3, seed: 2).text == "control shuffled (seed 2), coverage 0.3")
        #expect(SalienceRule(control: .random, coverage: 0.3, redrawn: true).text == "control random (seed 0, drawn anew each epoch), coverage 0.3")
        #expect(SalienceRule(control: .random, seed: 1).text == "control random (seed 1, area of the maps at threshold 0.5)")
    }
}
