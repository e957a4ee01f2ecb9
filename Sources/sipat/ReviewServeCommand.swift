import ArgumentParser
import Diagnostics
import Foundation
import Review

struct ReviewServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a review to browsers, until it is interrupted. Every decision is on the disk before the next image shows.",
        discussion: """
            Prints a link for each person: whoever has the link decides in that name. Links stay the same when it is started again.

            It listens on this machine only. From another one: ssh -L 8080:127.0.0.1:8080 this-machine, and open the link there.
            """)

    @Argument(help: "The folder that sipat review plan made.")
    var review: String
    @Option(help: "Names, separated by commas; those already known stay.")
    var people: String?
    @Option(help: "0: any that is free.")
    var port: UInt16 = 8080
    @Option(help: "The IPv4 address to listen on. 0.0.0.0: the whole network.")
    var address = "127.0.0.1"
    @Option(help: "A name by which browsers may call this machine, with --address; may be given again.")
    var host: [String] = []

    mutating func validate() throws { review = try expandingTilde(review) }

    func run() throws {
        try reportingFailures { try serve() }
    }

    private func serve() throws {
        let folder = ReviewFolder(review)
        let plan = try folder.readPlan().plan
        var known = try ReviewPeople.read(folder.people)
        let names = people?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? (known.people.isEmpty ? ["reviewer"] : [])
        try known.add(names)
        try known.write(to: folder.people)
        let material = try ReviewMaterial(plan)
        let opened = try Review(review, people: known.people.map(\.name))
        if opened.end.torn > 0 {
            Output.complain("\(folder.log): removed an unfinished line of \(opened.end.torn) bytes at the end, which nobody was told is saved")
        }
        let server = try ReviewServer(opened, material: material, people: known)
        if address != "127.0.0.1" {
            Output.complain(
                "warning: \(address) can be reached from the network, and what is sent is not encrypted: whoever listens can read the links' tokens and the images. Safer: leave --address out, and ssh -L \(port):127.0.0.1:\(port) \(ProcessInfo.processInfo.hostName)"
            )
        }
        let (address, host, people) = (address, host, known.people)
        let box = ResultBox()
        let done = DispatchSemaphore(value: 0)
        let task = Task {
            do {
                try await server.run(address: address, port: port, names: host) { port in
                    let name = host.first ?? (address == "0.0.0.0" ? ProcessInfo.processInfo.hostName : address)
                    try Output.result(people.map { "\($0.name): http://\(name):\(port)/#token=\($0.token)" }.joined(separator: "\n"))
                    Output.progress("Ctrl-C ends it; all decisions are saved.\n")
                }
            } catch is CancellationError {} catch { box.error = error }
            done.signal()
        }
        // Dispatch takes the signals: the task then ends in its own time, which is short.
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                box.isStopped = true
                task.cancel()
            }
            source.resume()
            return source
        }
        done.wait()
        for source in sources { source.cancel() }
        if let error = box.error, !box.isStopped { throw error as? Failure ?? Failure.inputOutput("the server ended: \(error)", remedy: "start it again: nothing is lost") }
    }
}

/// What the server's task leaves behind. Read after it has ended.
private final class ResultBox: @unchecked Sendable {
    var error: (any Error)?
    var isStopped = false
}
