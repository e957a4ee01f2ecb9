import Diagnostics
import FlyingFox
import Foundation

/// Serves a review or a study over HTTP.
package struct ReviewServer {
    /// The largest message that is read: a region of 16 million pixels in its most ragged form does not fit, any other does.
    static let limit = 4 << 20

    private let service: any PageService
    private let people: ReviewPeople

    package init(_ review: Review, material: ReviewMaterial, people: ReviewPeople) throws {
        self.people = people
        service = try ReviewService(review, material: material, people: people.people.map(\.name))
    }

    package init(_ study: Study, people: ReviewPeople) throws {
        self.people = people
        service = try StudyService(study, people: people.people.map(\.name))
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameters:
    ///   - address: of this machine, IPv4: 127.0.0.1, 0.0.0.0 …
    ///   - port: 0: any that is free.
    ///   - names: what browsers may call this server, beside loopback and `address`.
    ///   - ready: called once it listens, with the port.
    /// - Throws: `Failure` when the port cannot be had.
    package func run(address: String, port: UInt16, names: [String], ready: @Sendable (UInt16) throws -> Void) async throws {
        let port = try claimPort(port, of: address)
        let hosts = (["127.0.0.1", "localhost", "[::1]", address] + names).flatMap { name -> [String] in
            let name = name.lowercased()
            return name.contains(":") && !name.hasPrefix("[") || name.contains("]:") ? [name] : ["\(name):\(port)", port == 80 ? name : "\(name):\(port)"]
        }
        let handler = RequestHandler(service: service, gate: Gate(people, hosts: Set(hosts)))
        let configuration = HTTPServer.Configuration(
            address: try .inet(ip4: address, port: port), timeout: 60, sharedRequestReplaySize: ReviewServer.limit, logger: .disabled)
        let server = HTTPServer(config: configuration, handler: handler)
        let running = Task { try await server.run() }
        do { try await server.waitUntilListening(timeout: 30) } catch {
            running.cancel()
            throw Failure.inputOutput("port \(port) of \(address) cannot be had: \(error)", remedy: "choose another with --port, or 0 for any that is free")
        }
        sendAtOnce(port)
        try ready(port)
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            running.cancel()
        }
    }

    /// FlyingFox sends an answer's head and body one after the other, and the kernel would hold back the body until the browser has
    /// confirmed the head, which takes 40 ms (Nagle's algorithm with delayed acknowledgement). FlyingFox has no setting for it;
    /// connections inherit it from the socket that listens, which is found by its port.
    private func sendAtOnce(_ port: UInt16) {
        for descriptor in Int32(3)..<1024 {
            var (listens, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0, listens == 1 else { continue }
            var (place, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
            let code = withUnsafeMutablePointer(to: &place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
            }
            guard code == 0, place.sin_port == port.bigEndian else { continue }
            var yes = Int32(1)
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Takes a port for a moment, so that one that is in use is told before anything else: the port, or for 0 one that is free.
    private func claimPort(_ port: UInt16, of address: String) throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var (yes, place) = (Int32(1), sockaddr_in())
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &place.sin_addr) == 1 else {
            throw Failure.usage("--address is \"\(address)\", expected an IPv4 address of this machine", remedy: "127.0.0.1 is this machine alone")
        }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else {
            throw Failure.inputOutput(
                "port \(port) of \(address) cannot be had: \(String(cString: strerror(errno)))", remedy: "choose another with --port, or 0 for any that is free")
        }
        return UInt16(bigEndian: place.sin_port)
    }
}
