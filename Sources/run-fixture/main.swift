// run-fixture FAULT COUNT OUTPUT [key=value …]: a training run that something happens to, for tests.
//
//   die-at-operation n   killed before its n-th operation on files (counted from 0)
//   die-in PHASE         killed as it enters the phase (loading, validation …)
//   stop-at-line n       asked to stop (SIGUSR1) when the n-th line of metrics is written (counted from 1)
//   count -              prints how many operations on files there were
//   trace -              prints each
//
// Otherwise `sipat train --recipe synthetic --resume-if-present --output OUTPUT`. Faults strike on rank 0.

import Checkpoints
import Diagnostics
import Experiments
import Foundation
import Kernels
import MPI
import Synchronization
import Training

/// File operations that count, tell, and strike.
final class StrikingFiles: FileOperations {
    private let real = PosixFileOperations()
    private let fault: String
    private let point: Int
    private let operations = Atomic(0)
    private let lines = Atomic(0)

    init(_ fault: String, at point: Int) {
        self.fault = fault
        self.point = point
    }

    var count: Int { operations.load(ordering: .relaxed) }

    private func step(_ operation: String, _ path: String) {
        let number = operations.add(1, ordering: .relaxed).oldValue
        if fault == "trace" { print("\(operation) \(path.split(separator: "/").suffix(2).joined(separator: "/"))") }
        if fault == "die-at-operation", number == point { kill(getpid(), SIGKILL) }
    }

    func makeDirectory(_ path: String) throws { step("makeDirectory", path); try real.makeDirectory(path) }
    func create(_ path: String) throws -> Int32 { step("create", path); return try real.create(path) }
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        // A write is cut in two, so that half of it can be all there is.
        let half = bytes.count / 2
        step("write", path)
        try real.write(UnsafeRawBufferPointer(rebasing: bytes[..<half]), to: descriptor, path: path)
        step("write", path)
        try real.write(UnsafeRawBufferPointer(rebasing: bytes[half...]), to: descriptor, path: path)
        guard path.hasSuffix("metrics.jsonl"), lines.add(1, ordering: .relaxed).newValue == point, fault == "stop-at-line" else { return }
        kill(getpid(), SIGUSR1)
    }
    func synchronize(_ descriptor: Int32, path: String) throws { step("synchronize", path); try real.synchronize(descriptor, path: path) }
    func close(_ descriptor: Int32, path: String) throws { step("close", path); try real.close(descriptor, path: path) }
    func synchronizeDirectory(_ path: String) throws { step("synchronizeDirectory", path); try real.synchronizeDirectory(path) }
    func rename(_ source: String, to target: String) throws { step("rename", target); try real.rename(source, to: target) }
    func removeFile(_ path: String) throws { step("removeFile", path); try real.removeFile(path) }
    func removeDirectory(_ path: String) throws { step("removeDirectory", path); try real.removeDirectory(path) }
}

// As the program does.
GEMM.useOneThread()
let words = CommandLine.arguments.dropFirst().map { $0 }
guard words.count >= 3 else { exit(Failure.Kind.usage.rawValue) }
do {
    let code = try Session.withSession { session -> Int32 in
        let strikes = session.world.rank == 0
        let files = StrikingFiles(strikes ? words[0] : "", at: Int(words[1]) ?? -1)
        let phase = strikes && words[0] == "die-in" ? words[1] : nil
        let heartbeat = Heartbeat { if "\($0)" == phase { kill(getpid(), SIGKILL) } }
        let request = TrainingRequest(
            recipe: .builtIn("synthetic"), overrides: Array(words[3...]), output: words[2], mode: .resumeIfPresent, threads: 1,
            showsProfile: false, timeBudget: nil)
        let outcome = try TrainingExperiment(request).run(communicator: session.world, local: session.local, heartbeat: heartbeat, files: files)
        if words[0] == "count", strikes { print("operations \(files.count)") }
        if case .stopped = outcome { return Failure.Kind.requeue.rawValue }
        return 0
    }
    exit(code)
} catch {
    exit(error.exitCode)
}
