import Diagnostics
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
        allowManyFiles()
        let (descriptor, port) = try listen(port, of: address)
        let hosts = (["127.0.0.1", "localhost", "[::1]", address] + names).flatMap { name -> [String] in
            let name = name.lowercased()
            return name.contains(":") && !name.hasPrefix("[") || name.contains("]:") ? [name] : ["\(name):\(port)", port == 80 ? name : "\(name):\(port)"]
        }
        let listener = Listener(handler: RequestHandler(service: service, gate: Gate(people, hosts: Set(hosts))))
        try ready(port)
        try await listener.run(on: descriptor)
    }

    /// As many connections and files at once as the machine's administrator allows.
    private func allowManyFiles() {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0, limits.rlim_cur < limits.rlim_max else { return }
        limits.rlim_cur = limits.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }

    /// A socket that listens, and its port: the one asked for, or for 0 one that is free.
    private func listen(_ port: UInt16, of address: String) throws -> (descriptor: Int32, port: UInt16) {
        var (yes, place) = (Int32(1), sockaddr_in())
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &place.sin_addr) == 1 else {
            throw Failure.usage("--address is \"\(address)\", expected an IPv4 address of this machine", remedy: "127.0.0.1 is this machine alone")
        }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        // Connections inherit it: no answer waits for the one before to be confirmed (Nagle's algorithm).
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && Foundation.listen(descriptor, SOMAXCONN) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure.inputOutput("port \(port) of \(address) cannot be had: \(reason)", remedy: "choose another with --port, or 0 for any that is free")
        }
        return (descriptor, UInt16(bigEndian: place.sin_port))
    }
}
