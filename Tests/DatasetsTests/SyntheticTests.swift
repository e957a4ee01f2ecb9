import Datasets
import Diagnostics
import Testing

@Suite("Synthetic images")
struct SyntheticTests {
    private func configuration(_ change: (inout SyntheticConfiguration) -> Void = { _ in }) -> SyntheticConfiguration {
        var configuration = SyntheticConfiguration()
        configuration.trainCount = 200
        configuration.testCount = 100
        change(&configuration)
        return configuration
    }

    private func load(_ configuration: SyntheticConfiguration, _ split: DatasetSplit = .train) throws -> ImageDataset {
        try DatasetLoader.load(name: "synthetic", directory: nil, synthetic: configuration, split: split)
    }

    @Test func isAFunctionOfItsSettings() throws {
        let train = try load(configuration())
        #expect(train.count == 200 && train.classes == 10)
        #expect(try load(configuration()).fingerprint == train.fingerprint)
        #expect(try load(configuration { $0.seed = 1 }).fingerprint != train.fingerprint)
        // An image does not depend on how many there are.
        let more = try load(configuration { $0.trainCount = 300 })
        #expect(Array(more.pixels.prefix(train.pixels.count)) == train.pixels)
    }

    @Test func noImageOccursTwice() throws {
        let train = try load(configuration())
        let test = try load(configuration(), .test)
        let size = train.imageShape.count
        let images = [train, test].flatMap { set in (0..<set.count).map { Array(set.pixels[$0 * size..<($0 + 1) * size]) } }
        #expect(Set(images).count == 300)
    }

    @Test func classesAreBalancedAndObjectsVisible() throws {
        for (size, channels, classes) in [(8, 1, 2), (16, 3, 7), (32, 3, 10), (32, 3, 100)] {
            let set = try load(configuration { ($0.size, $0.channels, $0.classes) = (size, channels, classes) })
            #expect(set.imageShape.height == size && set.imageShape.width == size && set.imageShape.channels == channels)
            #expect(Set(set.labels).count == classes && Set(set.classNames).count == classes)
            let maps = try #require(set.ownSalience)
            #expect(maps.allSatisfy { $0 == 0 || $0 == 1 })
            for i in 0..<set.count {
                let share = maps[i * size * size..<(i + 1) * size * size].reduce(0, +) / Float(size * size)
                #expect(share > 0.04 && share < 0.6, "image \(i): \(share)")
            }
        }
    }

    /// Inside its mask an object differs in brightness from its surroundings by much more than 8/255.
    @Test func theMaskIsTheObject() throws {
        let set = try load(configuration { $0.difficulty = 0 })
        let maps = try #require(set.ownSalience)
        for i in 0..<set.count {
            var sums: [(total: Float, count: Float)] = [(0, 0), (0, 0)]
            for p in 0..<1024 {
                let inside = maps[i * 1024 + p] == 1 ? 1 : 0
                let grey = (0..<3).reduce(Float(0)) { $0 + Float(set.pixels[(i * 1024 + p) * 3 + $1]) } / 3
                sums[inside] = (sums[inside].total + grey, sums[inside].count + 1)
            }
            #expect(abs(sums[1].total / sums[1].count - sums[0].total / sums[0].count) > 30)
        }
    }

    /// Of two classes, one has a background striped across and the other one along: the direction in which the background
    /// changes most gives the class away in all images (correlation 1), or in half of them (0).
    @Test(arguments: [0.0, 1.0])
    func backgroundAgreesWithTheClass(correlation: Double) throws {
        let set = try load(configuration { ($0.classes, $0.difficulty, $0.backgroundCorrelation) = (2, 0, correlation) })
        let maps = try #require(set.ownSalience)
        var agreeing = 0
        for i in 0..<set.count {
            var (down, across) = (0, 0)
            for y in 1..<32 {
                for x in 1..<32 {
                    func grey(_ y: Int, _ x: Int) -> Int { Int(set.pixels[(i * 1024 + y * 32 + x) * 3]) }
                    let p = i * 1024 + y * 32 + x
                    guard maps[p] == 0, maps[p - 1] == 0, maps[p - 32] == 0 else { continue }
                    down += abs(grey(y, x) - grey(y - 1, x))
                    across += abs(grey(y, x) - grey(y, x - 1))
                }
            }
            if (down > across) == (set.labels[i] == 0) { agreeing += 1 }
        }
        #expect(correlation == 1 ? agreeing == 200 : (60...140).contains(agreeing))
    }

    @Test func settingsOutOfRange() {
        let bad: [(String, (inout SyntheticConfiguration) -> Void)] = [
            ("classes is 1", { $0.classes = 1 }), ("size is 7", { $0.size = 7 }), ("channels is 2", { $0.channels = 2 }),
            ("train is 0", { $0.trainCount = 0 }), ("test is -5", { $0.testCount = -5 }),
            ("difficulty is 1.1", { $0.difficulty = 1.1 }), ("difficulty is nan", { $0.difficulty = .nan }),
            ("backgroundCorrelation is -0.1", { $0.backgroundCorrelation = -0.1 }),
            ("fit in memory", { ($0.size, $0.trainCount) = (1024, 1_000_000) }),
        ]
        for (fragment, change) in bad {
            expectFailure(.usage, ["synthetic", fragment, "expected"]) { _ = try load(configuration(change)) }
        }
    }
}
