import ArgumentParser
import Diagnostics
import Foundation
import Review

/// How a page is served, and to whom.
struct ServeOptions: ParsableArguments {
    @Option(help: "Names, separated by commas; those already known stay.")
    var people: String?
    @Option(help: "0: any that is free.")
    var port: UInt16 = 8080
    @Option(help: "The IPv4 address to listen on. 0.0.0.0: the whole network.")
    var address = "127.0.0.1"
    @Option(help: "A name by which browsers may call this machine, with --address; may be given again.")
    var host: [String] = []

    /// Those in the file and those named, each with a token; the file is written anew.
    ///
    /// - Parameter name: whom there is where nobody is named.
    func known(_ path: String, otherwise name: String) throws -> ReviewPeople {
        try check()
        var known = try ReviewPeople.read(path)
        let named = people.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
        guard named != [] else { throw Failure.usage("--people is \"\(people ?? "")\", which names nobody", remedy: "names, separated by commas, or leave it out") }
        try known.add(named ?? (known.people.isEmpty ? [name] : []))
        try known.write(to: path)
        return known
    }

    /// The address as four numbers.
    private var numericAddress: String { address.lowercased() == "localhost" ? "127.0.0.1" : address }

    /// - Throws: `Failure.usage` for an address or a name that no browser can open.
    private func check() throws {
        var place = in_addr()
        guard inet_pton(AF_INET, numericAddress, &place) == 1 else {
            throw Failure.usage("--address is \"\(address)\", expected an IPv4 address of this machine", remedy: "127.0.0.1 is this machine alone")
        }
        let letters = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: ".-_:[]"))
        for name in host where name.isEmpty || !name.unicodeScalars.allSatisfy(letters.contains) {
            throw Failure.usage("--host is \"\(name)\", expected a name or an address, without http:// and paths", remedy: "--host review.example")
        }
    }

    /// Says what a look from the network can cost, and the safer way; nil where nothing but this machine reaches the server.
    var warning: String? {
        guard !numericAddress.hasPrefix("127.") else { return nil }
        let shown = port == 0 ? "PORT" : "\(port)"
        return "warning: \(address) can be reached from the network, and what is sent is not encrypted: whoever listens can read the links' tokens and "
            + "the images. Safer: leave --address out, and on the other machine ssh -L \(shown):127.0.0.1:\(shown) \(ProcessInfo.processInfo.hostName)"
    }

    /// What browsers may call this machine beside its address; the first is in the links.
    private var names: [String] { host.isEmpty && address == "0.0.0.0" ? [ProcessInfo.processInfo.hostName] : host }

    /// Notes that the log ended in the middle of a line.
    func note(removed end: LogEnd, from log: String) {
        guard end.torn > 0 else { return }
        Output.complain("\(log): removed an unfinished line of \(end.torn) bytes at the end, which nobody was told is saved")
    }

    /// Prints a link for each person, and serves until it is interrupted.
    func serve(_ server: ReviewServer, people: [ReviewPeople.Person]) throws {
        if let warning { Output.complain(warning) }
        let (address, names, asked) = (numericAddress, names, port)
        let box = ResultBox()
        let done = DispatchSemaphore(value: 0)
        let task = Task {
            do {
                try await server.run(address: address, port: asked, names: names) { port in
                    let name = names.first ?? address
                    try Output.result(people.map { "\($0.name): http://\(name):\(port)/#token=\($0.token)" }.joined(separator: "\n"))
                    Output.progress("Ctrl-C ends it; all decisions are saved.\n")
                }
            } catch is CancellationError {} catch { box.error = error }
            done.signal()
        }
        // Dispatch takes the signals: the task then ends in its own time, which is short, or is left behind. What is being written then was
        // acknowledged to nobody.
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                box.isStopped = true
                task.cancel()
                DispatchQueue.global().asyncAfter(deadline: .now() + 1) { done.signal() }
            }
            source.resume()
            return source
        }
        done.wait()
        for source in sources { source.cancel() }
        if !box.isStopped, let error = box.error { throw error as? Failure ?? Failure.inputOutput("the server ended: \(error)", remedy: "start it again: nothing is lost") }
    }
}

/// What the server's task leaves behind. Read after it has ended.
private final class ResultBox: @unchecked Sendable {
    var error: (any Error)?
    var isStopped = false
}
