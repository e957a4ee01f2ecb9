import Checkpoints
import Diagnostics
import Foundation
import Testing

/// Stops or fails a save at every operation and every byte, and looks at what is left.
@Suite struct CrashTests {
    /// What the run holds before the save that goes wrong, and that save.
    enum Scenario: CaseIterable {
        /// The run's first checkpoint.
        case first
        /// A later one, which is the new best and displaces the oldest.
        case later
        /// One of a step that has a good checkpoint already.
        case again
        /// One of a step whose checkpoint is damaged.
        case overDamaged

        var keep: Int { self == .first ? 3 : 2 }
        var step: Int { self == .first ? 1 : self == .later ? 4 : 3 }

        func prepare(_ run: String) throws {
            guard self != .first else { return }
            let store = CheckpointStore(run: run, keep: keep, files: FaultyFileOperations())
            try store.save(step: 1, contents(1), best: ("accuracy", 0.5))
            try store.save(step: 2, contents(2))
            let third = try store.save(step: 3, contents(3)).checkpoint
            if self == .overDamaged { try write([], to: third.path + "/state.json") }
        }

        func save(_ run: String, _ files: FaultyFileOperations) throws {
            try CheckpointStore(run: run, keep: keep, files: files).save(
                step: step, contents(step, generation: 2), best: self == .later ? ("accuracy", 0.6) : nil)
        }

        /// Whether a checkpoint may be the newest valid one afterwards: that of before the save, or the new one.
        func allows(step: Int?, generation: Int?) -> Bool {
            if step == self.step, generation == 2 { return true }
            switch self {
            case .first: return step == nil
            case .later, .again: return step == 3 && generation == 1
            case .overDamaged: return step == 2 && generation == 1
            }
        }
    }

    func check(_ scenario: Scenario, template: TemporaryFolder, _ fault: FaultyFileOperations.Fault, at point: FaultyFileOperations.Point)
        throws
    {
        let place: Comment = "\(scenario), \(fault) at \(point)"
        let folder = try TemporaryFolder()
        let run = folder.file("run")
        try FileManager.default.copyItem(atPath: template.path, toPath: run)
        let faulty = FaultyFileOperations(fault, at: point)
        var succeeded = true
        do { try scenario.save(run, faulty) } catch { succeeded = false }
        #expect(faulty.struck, place)

        let store = CheckpointStore(run: run, keep: scenario.keep, files: FaultyFileOperations())
        let found = try store.latestValid()
        let newest = try found.checkpoint.map(generation)
        #expect(scenario.allows(step: found.checkpoint?.step, generation: newest ?? nil), place)
        // A save that says it succeeded must have.
        #expect(!succeeded || (found.checkpoint?.step == scenario.step && newest == 2), place)
        if scenario != .first { #expect(try store.best() != nil, place) }
        if case .error = fault {
            // A failed save cleans up after itself; only a failure of the cleaning up may leave something hidden.
            let names = try? FileManager.default.contentsOfDirectory(atPath: store.folder)
            let hidden = (names ?? []).filter { $0.hasPrefix(".incomplete-step") }
            #expect(hidden.isEmpty, place)
        }

        // The run goes on, and nothing of the accident stays.
        try scenario.save(run, FaultyFileOperations())
        let after = try #require(try store.latestValid().checkpoint, place)
        #expect(try after.step == scenario.step && generation(of: after) == 2, place)
        let names = try FileManager.default.contentsOfDirectory(atPath: store.folder)
        #expect(names.allSatisfy { !$0.hasPrefix(".") && !$0.hasSuffix("previous") }, place)
    }

    @Test(arguments: Scenario.allCases) func everyOperation(_ scenario: Scenario) throws {
        let (template, operations, _) = try measure(scenario)
        #expect(operations > 15)
        for operation in 0..<operations {
            for fault: FaultyFileOperations.Fault in [.crash, .powerCut, .error(ENOSPC), .error(EIO)] {
                try check(scenario, template: template, fault, at: .operation(operation))
            }
        }
    }

    @Test(arguments: Scenario.allCases) func everyByte(_ scenario: Scenario) throws {
        let (template, _, bytes) = try measure(scenario)
        #expect(bytes > 500)
        for byte in 0..<bytes {
            // In the usual case the crash is tried at every byte; the rest by turns, which finds the same files half written.
            if scenario == .later || byte % 16 == 0 { try check(scenario, template: template, .crash, at: .byte(byte)) }
            if byte % 16 == 5 { try check(scenario, template: template, .powerCut, at: .byte(byte)) }
            if byte % 16 == 10 { try check(scenario, template: template, .error(ENOSPC), at: .byte(byte)) }
        }
    }

    /// A save that goes well: the folder before it, and how many operations and bytes it takes.
    func measure(_ scenario: Scenario) throws -> (template: TemporaryFolder, operations: Int, bytes: Int) {
        let template = try TemporaryFolder()
        try scenario.prepare(template.path)
        let copy = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: template.path, toPath: copy.file("run"))
        let counting = FaultyFileOperations()
        try scenario.save(copy.file("run"), counting)
        return (template, counting.operations, counting.bytesWritten)
    }
}
