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

/// Numeric rooms: no bounds or overflow checks in the inner loops, and vector code for `architecture`.
let numeric: [SwiftSetting] = [.unsafeFlags(["-Ounchecked"] + march, .when(configuration: .release)), .unsafeFlags(march, .when(configuration: .debug))]

/// Vector code for `architecture`, with all checks.
let vector: [SwiftSetting] = [.unsafeFlags(march)]

let package = Package(
    name: "sipat",
    products: [
        .executable(name: "sipat", targets: ["sipat"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
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
        .target(name: "Diagnostics"),
        // libpng jumps out of functions (setjmp); C catches the jump.
        .target(name: "CPNG", dependencies: ["CLibPNG"]),
        .target(name: "Images", dependencies: ["CTurboJPEG", "CPNG", "Diagnostics"], swiftSettings: vector),
        .target(name: "MPI", dependencies: ["COpenMPI", "Diagnostics"]),
        .target(name: "Kernels", dependencies: ["COpenBLAS", "CInstructionSet"], swiftSettings: numeric),
        .target(name: "NeuralNet", dependencies: ["Kernels", "Diagnostics"], swiftSettings: numeric),
        .target(name: "Salience", dependencies: ["Kernels", "Diagnostics"]),
        .target(name: "Attacks", dependencies: ["Kernels", "NeuralNet", "Salience", "Diagnostics"], swiftSettings: numeric),
        .target(name: "Datasets", dependencies: ["CZlib", "Images", "Kernels", "Salience", "Diagnostics"]),
        .target(name: "Checkpoints", dependencies: ["CCrypto", "NeuralNet", "Diagnostics"]),
        // Typed settings of a run, as YAML and JSON. Knows the other rooms' settings, not their work.
        .target(name: "Recipes", dependencies: ["Attacks", "Datasets", "Images", "NeuralNet", "Salience", "Diagnostics", "Yams"]),
        .target(name: "Evaluation", dependencies: ["MPI", "Kernels", "NeuralNet", "Salience", "Attacks", "Datasets", "Diagnostics"]),
        .target(
            name: "Training",
            dependencies: ["MPI", "Kernels", "NeuralNet", "Salience", "Attacks", "Datasets", "Checkpoints", "Recipes", "Diagnostics"]
        ),
        // What a command does, without its arguments.
        .target(
            name: "Experiments",
            dependencies: [
                "MPI", "Kernels", "NeuralNet", "Salience", "Datasets", "Checkpoints", "Recipes", "Evaluation", "Training",
                "Diagnostics",
            ]
        ),
        // Scaling experiments: what was measured, and a model of it. Knows neither MPI nor training.
        .target(name: "Scaling", dependencies: ["Diagnostics"]),
        .executableTarget(
            name: "sipat",
            dependencies: [
                "MPI", "Scaling", "Experiments", "Training", "Evaluation", "Recipes", "Attacks", "Datasets", "Images", "NeuralNet", "Salience",
                "Kernels", "Diagnostics",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),

        // A program of small multi-rank scenarios that the tests start under mpirun. It counts its allocations.
        .target(name: "CAllocationCount"),
        .executableTarget(name: "mpi-fixture", dependencies: ["MPI", "Training", "CAllocationCount"]),

        // Runs programs, alone or under mpirun, with a time limit.
        .target(name: "TestSupport", path: "Tests/TestSupport"),

        .testTarget(name: "MPITests", dependencies: ["MPI", "mpi-fixture", "TestSupport"]),
        .testTarget(name: "ImagesTests", dependencies: ["Images", "CTurboJPEG", "Diagnostics", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels"]),
        .testTarget(name: "NeuralNetTests", dependencies: ["NeuralNet", "Attacks", "Checkpoints"], resources: [.copy("Fixtures")]),
        .testTarget(name: "SalienceTests", dependencies: ["Salience"], exclude: ["Fixtures"]),
        .testTarget(name: "AttacksTests", dependencies: ["Attacks"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Images", "TestSupport"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
        .testTarget(name: "RecipesTests", dependencies: ["Recipes", "Diagnostics"]),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "Recipes", "sipat", "mpi-fixture", "TestSupport"]),
        .testTarget(name: "ScalingTests", dependencies: ["Scaling", "Diagnostics"]),
        .testTarget(name: "CommandTests", dependencies: ["sipat", "Training", "Datasets", "Salience", "Checkpoints", "Diagnostics", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
