// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The instruction set to compile for: `native` (this machine) unless SIPAT_MARCH names another,
// such as x86-64-v3 for a cluster whose nodes differ from the login node.
let architecture = ProcessInfo.processInfo.environment["SIPAT_MARCH"] ?? "native"

#if arch(x86_64)
let march = ["-Xcc", "-march=\(architecture)"]
#else
let march: [String] = architecture == "native" ? [] : ["-Xcc", "-mcpu=\(architecture)"]
#endif

// SIPAT_CHECKED=1 keeps the checks of bounds, overflow and preconditions that the numeric rooms otherwise do without:
// for tests (Scripts/sanitize checked), not for training.
let isChecked = ProcessInfo.processInfo.environment["SIPAT_CHECKED"] == "1"

/// Numeric rooms: no bounds or overflow checks in the inner loops, and vector code for `architecture`.
let numeric: [SwiftSetting] = [
    .unsafeFlags((isChecked ? [] : ["-Ounchecked"]) + march, .when(configuration: .release)),
    .unsafeFlags(march, .when(configuration: .debug)),
]

// SIPAT_FUZZ=1 adds the program that runs libFuzzer; it links only with --sanitize=fuzzer (Scripts/fuzz).
let fuzzer: [Target] =
    ProcessInfo.processInfo.environment["SIPAT_FUZZ"] != "1"
    ? []
    : [.executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver")]

/// Vector code for `architecture`, with all checks.
let vector: [SwiftSetting] = [.unsafeFlags(march)]

let package = Package(
    name: "sipat",
    products: [
        .executable(name: "sipat", targets: ["sipat"]),
        // MPI for Swift, of use without the rest; `mpi-pi` is an example.
        .library(name: "MPI", targets: ["MPI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        // C libraries, found through pkg-config.
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),

        // What the compiler was told of the CPU.
        .systemLibrary(name: "CInstructionSet"),

        // Each room knows only those above it.
        .target(name: "Diagnostics", dependencies: [.product(name: "SystemPackage", package: "swift-system")]),
        // libpng jumps out of functions (setjmp); C catches the jump.
        .target(name: "CPNG", dependencies: ["CLibPNG"]),
        .target(name: "Digests", dependencies: ["CCrypto", "Diagnostics"]),
        .target(name: "Images", dependencies: ["CTurboJPEG", "CPNG", "Diagnostics"], swiftSettings: vector),
        .target(name: "MPI", dependencies: ["COpenMPI", "Diagnostics"]),
        // Products of bfloat16 values: an instruction where the CPU has it, whatever the build is for, and portable code.
        .target(name: "CBFloat16"),
        .target(name: "Kernels", dependencies: ["COpenBLAS", "CInstructionSet", "CBFloat16"], swiftSettings: numeric),
        .target(name: "NeuralNet", dependencies: ["Kernels", "Diagnostics"], swiftSettings: numeric),
        // Formats of other programs, written by hand: protocol buffers, TensorBoard's events, ONNX. Knows networks, not training.
        .target(name: "Interchange", dependencies: ["Kernels", "NeuralNet"]),
        .target(name: "Salience", dependencies: ["Digests", "Images", "Kernels", "Diagnostics"]),
        .target(name: "Attacks", dependencies: ["Kernels", "NeuralNet", "Diagnostics"], swiftSettings: numeric),
        .target(name: "Datasets", dependencies: ["CZlib", "Images", "Kernels", "Salience", "Diagnostics"]),
        .target(name: "Checkpoints", dependencies: ["Digests", "NeuralNet", "Diagnostics"]),
        // Typed settings of a run, as YAML and JSON. Knows the other rooms' settings, not their work.
        .target(name: "Recipes", dependencies: ["Attacks", "Datasets", "Images", "Kernels", "NeuralNet", "Salience", "Diagnostics", "Yams"]),
        .target(
            name: "Evaluation",
            dependencies: ["MPI", "Kernels", "NeuralNet", "Interchange", "Salience", "Attacks", "Datasets", "Digests", "Images", "Diagnostics"]),
        .target(
            name: "Training",
            dependencies: ["MPI", "Kernels", "NeuralNet", "Interchange", "Salience", "Attacks", "Datasets", "Checkpoints", "Recipes", "Diagnostics"]
        ),
        // What a command does, without its arguments.
        .target(
            name: "Experiments",
            dependencies: [
                "MPI", "Kernels", "NeuralNet", "Interchange", "Salience", "Attacks", "Datasets", "Digests", "Checkpoints", "Images", "Recipes",
                "Evaluation", "Training",
                "Diagnostics",
            ]
        ),
        // People decide the exceptions: the queue, the log, the page and its server. Knows neither models nor training.
        .target(
            name: "Review",
            dependencies: [
                "Datasets", "Digests", "Images", "Kernels", "Salience", "Diagnostics", .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            resources: [.embedInCode("Page")]
        ),
        // A comparison of methods on one's own images, planned, run, and reported so that somebody can decide.
        .target(
            name: "Pilot",
            dependencies: [
                "MPI", "Kernels", "NeuralNet", "Salience", "Attacks", "Datasets", "Digests", "Checkpoints", "Images", "Recipes", "Evaluation", "Training",
                "Experiments", "Review", "Diagnostics", "Yams",
            ]
        ),
        // Scaling experiments: what was measured, and a model of it. Knows neither MPI nor training.
        .target(name: "Scaling", dependencies: ["Diagnostics"]),
        .executableTarget(
            name: "sipat",
            dependencies: [
                "MPI", "Scaling", "Pilot", "Experiments", "Training", "Evaluation", "Recipes", "Review", "Attacks", "Checkpoints", "Datasets", "Images", "NeuralNet",
                "Salience", "Kernels", "Diagnostics",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),

        // An example of the MPI library, which sees no more of it than another package would.
        .executableTarget(name: "mpi-pi", dependencies: ["MPI"], packageAccess: false),

        // A program of small multi-rank scenarios that the tests start under mpirun. It counts its allocations.
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "mpi-fixture",
            dependencies: [
                "MPI", "Training", "Attacks", "Checkpoints", "Datasets", "NeuralNet", "Salience", "Kernels", "Diagnostics",
                "CAllocationCount",
            ]
        ),

        // A training run that tests kill and stop at chosen points.
        .executableTarget(name: "run-fixture", dependencies: ["MPI", "Checkpoints", "Experiments", "Training", "Kernels", "Diagnostics"]),

        // Runs programs, alone or under mpirun, with a time limit.
        .target(name: "TestSupport", path: "Tests/TestSupport"),

        // What strangers' files are read by, as functions of bytes: for libFuzzer, and for the tests that replay its corpus.
        .target(
            name: "FuzzTargets",
            dependencies: ["Checkpoints", "Datasets", "Diagnostics", "Digests", "Images", "Interchange", "Pilot", "Recipes", "Salience", "Scaling", "Training"],
            path: "Tests/Fuzz/Targets"),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz", exclude: ["Driver", "Targets"],
            sources: ["CorpusTests.swift"], resources: [.copy("Corpus")]),

        .testTarget(name: "MPITests", dependencies: ["MPI", "mpi-fixture", "mpi-pi", "TestSupport"]),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "CTurboJPEG", "Diagnostics", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels"]),
        .testTarget(name: "NeuralNetTests", dependencies: ["NeuralNet", "Kernels", "Attacks", "Checkpoints", "Diagnostics"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "InterchangeTests", dependencies: ["Interchange", "NeuralNet", "Kernels", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "SalienceTests", dependencies: ["Salience", "Images", "Kernels", "Diagnostics"], exclude: ["Fixtures"]),
        .testTarget(name: "AttacksTests", dependencies: ["Attacks", "NeuralNet", "Kernels", "Diagnostics"], exclude: ["Fixtures"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation", "Attacks", "Datasets", "NeuralNet", "Kernels", "Diagnostics"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Images", "Kernels", "Salience", "CZlib", "Diagnostics", "TestSupport"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "Digests", "Diagnostics"], exclude: ["Fixtures"]),
        .testTarget(name: "RecipesTests", dependencies: ["Recipes", "NeuralNet", "Diagnostics"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "Checkpoints", "Recipes", "Kernels", "Diagnostics", "sipat", "mpi-fixture", "TestSupport"]),
        .testTarget(name: "ExperimentsTests", dependencies: ["Experiments", "Recipes", "Checkpoints", "NeuralNet", "Salience", "Kernels", "Diagnostics"]),
        .testTarget(
            name: "ReviewTests", dependencies: ["Review", "Datasets", "Digests", "Images", "Kernels", "Salience", "Diagnostics", "sipat", "TestSupport"],
            exclude: ["Browser"]),
        .testTarget(
            name: "PilotTests", dependencies: ["Pilot", "Review", "Digests", "Evaluation", "Kernels", "Diagnostics", "sipat", "TestSupport"],
            exclude: ["Browser"]),
        .testTarget(name: "ScalingTests", dependencies: ["Scaling", "Diagnostics"]),
        .testTarget(name: "CommandTests", dependencies: ["sipat", "run-fixture", "Experiments", "Images", "Interchange", "Kernels", "Salience", "Checkpoints", "Digests", "Diagnostics", "TestSupport"]),
    ] + fuzzer,
    swiftLanguageModes: [.v6]
)

// SIPAT_STRICT=1 makes errors of warnings, in our own targets: for CI.
if ProcessInfo.processInfo.environment["SIPAT_STRICT"] == "1" {
    for target in package.targets where target.type != .system {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
        target.cSettings = (target.cSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
