import Diagnostics
import Foundation
import MPI

private struct PlainError: Error {}

let sessionScenarios: [String: Scenario] = [
    // Prints what rank 0 sees.
    "describe": Scenario(threadLevel: .multiple) { session, _ in
        if session.world.rank == 0 {
            print("size \(session.world.size)")
            print("local \(session.local.rank) of \(session.local.size)")
            print("threads \(session.threadLevel)")
            print("launcher \(session.launcher)")
            print("library \(Session.libraryVersion)")
            print("standard \(Session.standardVersion.major).\(Session.standardVersion.minor)")
            print("host \(Host.name)")
        }
        return 0
    },

    // Arguments: a rank. That rank throws while the others wait for it.
    "throw": Scenario { session, arguments in
        if "\(session.world.rank)" == arguments.first {
            throw Failure.badData("image 17 has label 12", remedy: "mend the file")
        }
        try session.world.barrier()
        return 0
    },

    // Arguments: a rank. The same with an error of another type.
    "throw-other": Scenario { session, arguments in
        if "\(session.world.rank)" == arguments.first { throw PlainError() }
        try session.world.barrier()
        return 0
    },

    // Arguments: a rank. That rank fails, and all agree on it.
    "agree": Scenario { session, arguments in
        try session.world.agreeing {
            if "\(session.world.rank)" == arguments.first {
                throw Failure.inputOutput("no such file: recipe.yaml", remedy: "name an existing one")
            }
        }
        return 0
    },

    // An agreed failure that is caught, and on a part of the world.
    "agree-caught": Scenario { world in
        let last = world.size - 1
        try expectFailure(.usage, containing: "from rank \(last)") {
            try world.agreeing { if world.rank == last { throw Failure.usage("from rank \(last)") } }
        }
        try expect(try world.agreeing { 3 }, 3, "the value of an agreed success")
        let half = try world.split(color: world.rank % 2)!
        try expectFailure(.badData, containing: "half \(world.rank % 2)") {
            try half.agreeing { throw Failure.badData("half \(world.rank % 2)") }
        }
        try world.barrier()
    },

    // Arguments: an exit code.
    "exit": Scenario { _, arguments in arguments.first.flatMap { Int32($0) } ?? 0 },

    "abort": Scenario { session, _ in
        if session.world.rank == session.world.size - 1 { session.world.abort(code: 3) }
        try session.world.barrier()
        return 0
    },
]
