import Diagnostics
import Foundation
import Salience
import TestSupport
import Testing

/// Sizes that do not fit: each other, or the machine.
@Suite("Sizes", .serialized)
struct SizeTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [(8, 8), (15, 16), (16, 15), (17, 17), (32, 32), (33, 33), (64, 64), (32, 8), (8, 32), (1, 256), (256, 1)])
    func mapsOfAnotherSizeThanTheImages(height: Int, width: Int) throws {
        let maps = folder.path + "/maps.npy"
        for split in ["train", "test"] {
            let count = split == "train" ? 220 : 40
            try SalienceMaps(
                bytes: [UInt8](repeating: 200, count: count * height * width), count: count, height: height, width: width,
                provenance: SalienceProvenance(source: .mask, dataset: .init(name: "synthetic", split: split, count: count), createdBy: "test")
            ).write(to: maps)
            if split == "train" {
                let run = try TinyRun.train(folder.path + "/run", ["salience.maps=\(maps)"])
                #expect(run.status == 65 && run.errors.contains("\(height)×\(width)") && run.errors.contains("16×16"), "\(run)")
            }
        }
        let run = folder.path + "/trained"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        let evaluation = try TinyRun.sipat("evaluate", "--weights", run, "--region", "salient", "--salience", maps, "--limit", "20")
        #expect(evaluation.status == 65 && evaluation.errors.contains("\(height)×\(width)"), "\(evaluation)")
    }

    @Test(arguments: [(0, "adversarial training under another name"), (120, "adversarial training under another name"), (255, "clean images under another name")])
    func mapsThatProtectNothingOrEverything(value: UInt8, warning: String) throws {
        let maps = folder.path + "/maps.npy"
        try SalienceMaps(
            bytes: [UInt8](repeating: value, count: 220 * 256), count: 220, height: 16, width: 16,
            provenance: SalienceProvenance(source: .mask, dataset: .init(name: "synthetic", split: "train", count: 220), createdBy: "test")
        ).write(to: maps)
        let run = try TinyRun.train(folder.path + "/run", ranks: 2, ["epochs=1", "salience.maps=\(maps)"])
        #expect(run.status == 0 && run.errors.components(separatedBy: warning).count == 2, "\(run)")
    }

    @Test func mapsThatProtectSomethingAreNotWarnedOf() throws {
        let run = try TinyRun.train(folder.path + "/run", ["epochs=1"])
        #expect(run.status == 0 && !run.errors.contains("warning: mode is sip-at"), "\(run)")
        let none = try TinyRun.train(folder.path + "/none", ["epochs=1", "salience.unannotated=1"])
        #expect(none.errors.contains("none of them has a map"), "\(none)")
        let equal = try TinyRun.train(folder.path + "/equal", ["epochs=1", "attack.epsilonSalient=8/255"])
        #expect(equal.errors.contains("equals attack.epsilon"), "\(equal)")
    }

    @Test func whatIsTooLargeIsRefusedBeforeTheWork() throws {
        let huge = "9000000000000000000"
        for arguments in [
            ["bench", "step", "--batch", "1000000000"], ["bench", "step", "--batch", huge], ["bench", "step", "--batch", "8", "--micro-batch", huge, "--threads", "100000000"],
            ["bench", "step", "--model", "wide-resnet", "--width", "4096"],
            ["bench", "step", "--repeats", huge], ["bench", "step", "--input-size", huge], ["bench", "step", "--input-size", "16384", "--batch", "4096"],
            ["bench", "step", "--classes", huge],
            ["bench", "layers", "--batch", huge], ["bench", "layers", "--input-size", huge], ["bench", "kernels", "--batch", huge], ["bench", "kernels", "--size", huge],
            ["bench", "kernels", "--batch", "100000", "--size", "100000"], ["bench", "allreduce", "--sizes", huge], ["bench", "allreduce", "--repeats", "-1"],
            ["train", "--recipe", "synthetic", "--output", folder.path + "/a", "--set", "synthetic.train=10000000", "--set", "synthetic.size=80"],
            ["train", "--recipe", "synthetic", "--output", folder.path + "/b", "--set", "model.width=4096", "--set", "model.name=wide-resnet-40-64"],
            ["train", "--recipe", "synthetic", "--output", folder.path + "/c", "--set", "synthetic.train=100", "--set", "synthetic.size=1024", "--set", "model.width=4096", "--set", "data.microBatch=64"],
        ] {
            let run = try ProgramRun.of(builtProgram("sipat"), arguments, timeout: 30)
            #expect(run.status == 64 && !run.timedOut && run.output.isEmpty, "\(arguments): \(run)")
        }
    }

    /// Under little memory there is a message, never a trap: refused beforehand, or told where it ran out. Below 350 MB of addresses
    /// the libraries of Open MPI do not fit.
    @Test(arguments: [350, 600, 1500]) func littleMemory(megabytes: Int) throws {
        let program = try builtProgram("sipat")
        for command in ["bench step --model resnet18 --batch 512 --threads 2 --repeats 1 --pgd-steps 1", "bench layers --model resnet50 --batch 4096 --seconds 0.001"] {
            let run = try ProgramRun.of("bash", ["-c", "ulimit -v \(megabytes * 1000); '\(program)' \(command)"], timeout: 120)
            #expect([64, 74].contains(run.status) && run.errors.contains("memory"), "\(command) in \(megabytes) MB: \(run)")
        }
    }

    @Test func aLargeBatchOfAnEvaluationIsCutDown() throws {
        let run = folder.path + "/run"
        #expect(try TinyRun.train(run, ["epochs=1"]).status == 0)
        for batch in ["1000000", "\(Int.max)"] {
            let result = try TinyRun.sipat("evaluate", "--weights", run, "--epsilons", "0", "--batch", batch)
            #expect(result.status == 0, "\(result)")
        }
    }

    @Test func limitsOfControlGroups() throws {
        let root = folder.path + "/root"
        func write(_ path: String, _ text: String) throws {
            let url = URL(filePath: root + path)
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        try write("/proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
        #expect(MemoryBudget(root: root).available == 8_192_000)
        try write("/proc/self/cgroup", "0::/job/step\n")
        try write("/sys/fs/cgroup/job/step/memory.max", "max\n")
        try write("/sys/fs/cgroup/job/memory.max", "5000000\n")
        try write("/sys/fs/cgroup/job/memory.current", "3000000\n")
        try write("/sys/fs/cgroup/job/memory.stat", "anon 7\ninactive_file 1000000\n")
        #expect(MemoryBudget(root: root).available == 3_000_000)
        try write("/proc/self/cgroup", "4:memory:/box\n0::/\n")
        try write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n")
        try write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n")
        let budget = MemoryBudget(root: root)
        #expect(budget.available == 3_000_000 && budget.limit.contains("control group"))
        var need = MemoryNeed()
        need.add(1000, 1500)
        try requireMemory(need, processes: 2, for: "this", remedy: "", budget: budget)
        need.add(1)
        #expect(throws: Failure.self) { try requireMemory(need, processes: 2, for: "this", remedy: "", budget: budget) }
        need.add(.max, 3)
        #expect(need.bytes == .max)
        #expect(throws: Failure.self) { try requireMemory(need, processes: .max, for: "this", remedy: "", budget: budget) }
    }
}
