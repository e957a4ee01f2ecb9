import Experiments
import Foundation
import Kernels
import Testing

@Suite("Where ranks run, and what they have") struct PlacementTests {
    private func placement(_ rank: Int, _ affinity: [Int], quota: Double? = nil) -> Placement {
        Placement(rank: rank, host: "a", cores: 4, affinity: affinity, quota: quota)
    }

    @Test func whatIsWrongIsTold() {
        #expect(Placement.warnings([placement(0, [0]), placement(1, [1])], threads: 1).isEmpty)
        #expect(Placement.warnings([placement(0, [0, 1, 2, 3])], threads: 4).isEmpty)
        #expect(Placement.warnings([placement(0, [0])], threads: 2).first?.contains("bound to 1 core(s) but runs 2 threads") == true)
        #expect(Placement.warnings([placement(0, [0]), placement(1, [0])], threads: 1).first?.contains("share cores") == true)
        #expect(Placement.warnings([placement(0, [0, 1, 2, 3])], threads: 8).first?.contains("oversubscribed") == true)
        #expect(Placement.warnings([placement(0, [0, 1, 2, 3], quota: 1.5)], threads: 2).first?.contains("1.5 cores") == true)
        #expect(Placement.warnings([placement(0, [0, 1, 2, 3], quota: 2)], threads: 2).isEmpty)
    }

    /// Version 2 with a limit on a parent, version 1, and neither.
    @Test func limitsOfControlGroups() throws {
        let folder = try TemporaryFolder()
        func write(_ text: String, _ path: String) throws {
            let url = URL(fileURLWithPath: folder.path + path)
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        #expect(CPUQuota.limit(groups: "0::/job/step\n", root: folder.path) == nil)
        try write("max 100000\n", "/job/step/cpu.max")
        #expect(CPUQuota.limit(groups: "0::/job/step\n", root: folder.path) == nil)
        try write("150000 100000\n", "/job/cpu.max")
        #expect(CPUQuota.limit(groups: "0::/job/step\n", root: folder.path) == 1.5)
        try write("-1\n", "/cpu,cpuacct/box/cpu.cfs_quota_us")
        try write("100000\n", "/cpu,cpuacct/box/cpu.cfs_period_us")
        #expect(CPUQuota.limit(groups: "4:cpu,cpuacct:/box\n1:name=systemd:/\n", root: folder.path) == nil)
        try write("250000\n", "/cpu,cpuacct/box/cpu.cfs_quota_us")
        #expect(CPUQuota.limit(groups: "4:cpu,cpuacct:/box\n1:name=systemd:/\n", root: folder.path) == 2.5)
    }

    @Test func ranksThatDifferAreNamed() {
        func rank(_ host: String, _ data: String, _ program: String) -> RankFingerprint { RankFingerprint(host: host, data: data, program: program) }
        #expect(RankFingerprint.complaint([rank("a", "d", "p"), rank("b", "d", "p")]) == nil)
        let data = RankFingerprint.complaint([rank("a", "d", "p"), rank("b", "d", "p"), rank("c", "e", "p")])
        #expect(data?.kind == .badData && data?.message.contains("rank 2 on c has e") == true)
        let program = RankFingerprint.complaint([rank("a", "d", "p"), rank("b", "d", "q")])
        #expect(program?.kind == .usage && program?.message.contains("rank 1 on b has q") == true)
    }

    @Test func ranksThatRoundDifferentlyAreNamed() {
        func rank(_ host: String, _ version: String, _ kernels: String, _ set: String = "x86_64 fma") -> RankFingerprint {
            RankFingerprint(
                host: host, data: "d", program: "p", compute: ComputeEnvironment(blas: "OpenBLAS \(version)", blasKernels: kernels, instructionSet: set))
        }
        #expect(RankFingerprint.complaint([rank("a", "0.3.21", "Haswell"), rank("b", "0.3.21", "Haswell")]) == nil)
        let kernels = RankFingerprint.complaint([rank("a", "0.3.21", "Haswell"), rank("b", "0.3.21", "Haswell"), rank("c", "0.3.21", "Zen")])
        #expect(kernels?.kind == .usage && kernels?.remedy?.contains("OPENBLAS_CORETYPE") == true)
        #expect(kernels?.message.contains("rank 0 on a has OpenBLAS 0.3.21 with kernels for Haswell") == true)
        #expect(kernels?.message.contains("rank 2 on c has OpenBLAS 0.3.21 with kernels for Zen") == true)
        #expect(kernels?.message.contains("rank 1") == false)
        let version = RankFingerprint.complaint([rank("a", "0.3.21", "Haswell"), rank("b", "0.3.26", "Haswell")])
        #expect(version?.message.contains("rank 1 on b has OpenBLAS 0.3.26") == true && version?.remedy?.contains("same version") == true)
    }

    @Test func whatRoundsOtherwiseIsTold() {
        let old = ComputeEnvironment(blas: "OpenBLAS 0.3.21", blasKernels: "Haswell", instructionSet: "x86_64 avx avx2 fma")
        var new = old
        new.instructionSet = "x86_64 avx avx2 fma avx512f"
        #expect(new.differences(from: old).isEmpty)
        new.blasKernels = "Zen"
        #expect(new.differences(from: old) == ["its core type was Haswell, is now Zen"])
        new.instructionSet = "x86_64"
        #expect(new.differences(from: old).count == 2)
        new = old
        new.blas = "OpenBLAS 0.3.26"
        #expect(new.differences(from: old) == ["the BLAS was OpenBLAS 0.3.21, is now OpenBLAS 0.3.26"])
    }
}
