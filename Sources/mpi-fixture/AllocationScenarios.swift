import CAllocationCount
import Diagnostics
import Kernels
import MPI
import NeuralNet
import Training

let allocationScenarios: [String: Scenario] = [
    // Argument: a rank. That rank asks for more memory than there is, while the others wait for it.
    "out-of-memory": Scenario { session, arguments in
        if "\(session.world.rank)" == arguments.first { FloatBuffer(count: 1 << 50).pointer[0] = 1 }
        try session.world.barrier()
        return 0
    },

    // Argument: a rank, or none. One bit of that rank's momentum is turned before weights are compared.
    "compare-weights": Scenario { session, arguments in
        let network = try ModelConfiguration(name: "cnn", width: 4, stem: .cifar).network(
            input: ImageShape(height: 8, width: 8, channels: 3), classes: 10)
        let state = ModelState(network: network)
        let optimizer = Optimizer(OptimizerSettings(momentum: 0.9, weightDecay: 0), network: network)
        if "\(session.world.rank)" == arguments.first { optimizer.momentum[7] = Float(bitPattern: 1) }
        try requireEqualWeights(weightsChecksum([state.parameters, state.buffers, optimizer.momentum]), step: 12, on: session.world)
        return 0
    },

    // mpi-fixture step-allocations: prints how often rank 0's thread asks for memory in a step once it is warm. What MPI
    // does is counted too: alone, a rank must not ask at all.
    "step-allocations": Scenario { world in
        let settings = StepBenchmark.Settings(
            model: try ModelConfiguration(name: "resnet18", width: 8, stem: .cifar),
            input: ImageShape(height: 16, width: 16, channels: 3), classes: 10, batch: 16, microBatch: 8, pgdSteps: 2,
            repeats: 8, threads: 1)
        let (step, loader) = try StepBenchmark.prepare(settings, communicator: world)
        var counts: [Int] = []
        counts.reserveCapacity(settings.repeats)
        for _ in 0..<settings.repeats {
            let batch = try loader.next()!
            let before = sipat_allocation_count()
            _ = try step.run(batch, learningRate: 0.01)
            counts.append(sipat_allocation_count() - before)
        }
        if world.rank == 0 { print("allocations per step: \(counts)") }
        if world.size == 1 {
            try expect(counts.suffix(3).max()!, 0, "allocations of a step after five others")
        }
    },
]
