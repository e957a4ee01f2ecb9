import Diagnostics

/// What people noticed.
package struct StudyResults: Codable, Sendable {
    /// One method at one radius.
    package struct Cell: Codable, Sendable {
        package var method: String
        package var epsilon: Float
        package var right = Proportion()
        /// Of `right`: Wilson's, 95 %. Nil where nothing was answered, as `dPrime`.
        package var share: Interval?
        package var dPrime: Interval?
        package var medianSeconds: Double?
    }

    package struct Person: Codable, Sendable {
        package var name: String
        package var answered: Int
        package var catches = Proportion()
        /// Whether too many catch trials were wrong: then the person is left out of the pooled figures.
        package var failed = false
        /// How often the left one was chosen.
        package var left = Proportion()
        package var medianSeconds: Double?
        package var cells: [Cell]
    }

    /// Two methods at the same radius.
    package struct Difference: Codable, Sendable {
        package var epsilon: Float
        package var first: String
        package var second: String
        /// Of the shares that were right, `first` − `second`: Newcombe's, 95 %.
        package var share: Interval
    }

    package var people: [Person]
    package var trials: Int
    package var answers: Int
    /// Those who passed their catch trials, all together; then everybody.
    package var pooled: [Cell]
    package var everybody: [Cell]
    package var differences: [Difference]
    /// Names of those who failed.
    package var failed: [String]
    package var catchPass: Double
    package var conditions: [StudyPlan.Condition]
    package var methods: [StudyPlan.Method]
    package var data: String
    package var planHash: String
    package var head: String
    package var notes: [String]

    /// Reads every answer. Memory: some 20 bytes each.
    package init(_ study: Study) throws {
        var builder = Builder(study.plan)
        try study.forEachAnswer { builder.add($0) }
        let plan = study.plan
        people = builder.people(pass: plan.settings.catchPass)
        failed = people.filter(\.failed).map(\.name)
        let out = Set(failed)
        pooled = builder.cells { !out.contains($0) }
        everybody = builder.cells { _ in true }
        differences = StudyResults.differences(pooled)
        (trials, answers, catchPass) = (plan.settings.trials, study.end.lines, plan.settings.catchPass)
        (conditions, methods, planHash, head, notes) = (plan.conditions, plan.methods, study.planHash, study.end.head, plan.notes)
        data = "\(plan.dataset.name), \(plan.dataset.split)"
    }

    private static func differences(_ cells: [Cell]) -> [Difference] {
        cells.indices.flatMap { i in
            cells[(i + 1)...].compactMap { other -> Difference? in
                guard cells[i].epsilon == other.epsilon, let share = Detection.difference(cells[i].right, other.right) else { return nil }
                return Difference(epsilon: other.epsilon, first: cells[i].method, second: other.method, share: share)
            }
        }.sorted { $0.epsilon < $1.epsilon }
    }

    /// Counts answers by person and condition.
    private struct Builder {
        private struct Tally {
            var right = Proportion()
            var seconds: [Float] = []
        }

        private struct Key: Hashable {
            var method: String
            var epsilon: Float
        }

        private let conditions: [StudyPlan.Condition]
        private let places: [Key: Int]
        private var order: [String] = []
        private var tallies: [String: [Tally]] = [:]
        private var catches: [String: Proportion] = [:]
        private var left: [String: Proportion] = [:]

        init(_ plan: StudyPlan) {
            conditions = plan.conditions
            places = Dictionary(conditions.enumerated().map { (Key(method: $1.method, epsilon: $1.epsilon), $0) }) { first, _ in first }
        }

        mutating func add(_ line: StudyLine) {
            if tallies[line.person] == nil {
                order.append(line.person)
                tallies[line.person] = [Tally](repeating: Tally(), count: conditions.count)
            }
            left[line.person, default: Proportion()].add(line.answer == .left)
            guard let method = line.method, let epsilon = line.epsilon, let place = places[Key(method: method, epsilon: epsilon)] else {
                return catches[line.person, default: Proportion()].add(line.isRight)
            }
            tallies[line.person]![place].right.add(line.isRight)
            tallies[line.person]![place].seconds.append(Float(line.activeMilliseconds) / 1000)
        }

        func people(pass: Double) -> [Person] {
            order.map { name in
                let own = tallies[name]!
                let (caught, left) = (catches[name] ?? Proportion(), left[name] ?? Proportion())
                return Person(
                    name: name, answered: left.trials, catches: caught, failed: caught.share.map { $0 < pass } ?? false, left: left,
                    medianSeconds: Builder.median(own.flatMap(\.seconds)), cells: own.indices.map { cell($0, [own[$0]]) })
            }
        }

        func cells(of isCounted: (String) -> Bool) -> [Cell] {
            conditions.indices.map { place in cell(place, order.filter(isCounted).map { tallies[$0]![place] }) }
        }

        private func cell(_ place: Int, _ tallies: [Tally]) -> Cell {
            var cell = Cell(method: conditions[place].method, epsilon: conditions[place].epsilon)
            for tally in tallies {
                cell.right.hits += tally.right.hits
                cell.right.trials += tally.right.trials
            }
            (cell.share, cell.dPrime) = (cell.right.wilson(), Detection.dPrime(cell.right))
            cell.medianSeconds = Builder.median(tallies.flatMap(\.seconds))
            return cell
        }

        private static func median(_ values: [Float]) -> Double? { values.isEmpty ? nil : Double(values.sorted()[values.count / 2]) }
    }
}
