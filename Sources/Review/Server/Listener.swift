import FlyingSocks
import Foundation

/// Takes connections and answers what is asked on them.
struct Listener {
    /// Connections at once; further ones are closed.
    static let connections = 256
    /// In which a request must have come, and an answer have gone: connections on which nothing is asked go away.
    static let seconds = 30.0

    /// Connections that may still be opened.
    private actor Places {
        private var free = Listener.connections

        func take() -> Bool {
            guard free > 0 else { return false }
            free -= 1
            return true
        }

        func give() { free += 1 }
    }

    let handler: RequestHandler

    /// Serves until the task is cancelled.
    ///
    /// - Parameter descriptor: of a socket that listens; it is closed at the end.
    func run(on descriptor: Int32) async throws {
        let pool = SocketPool<Poll>.make()
        let listening = try AsyncSocket(socket: Socket(file: Socket.FileDescriptor(rawValue: descriptor)), pool: pool)
        defer { try? listening.close() }
        try await pool.prepare()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            group.addTask { try await takeConnections(listening) }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    private func takeConnections(_ listening: AsyncSocket) async throws {
        let places = Places()
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let socket: AsyncSocket
                do { socket = try await listening.accept() } catch SocketError.failed(_, let code, _) where Listener.passes(code) {
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                guard await places.take() else {
                    try? socket.close()
                    continue
                }
                group.addTask {
                    await serve(socket)
                    await places.give()
                }
            }
        }
    }

    /// Whether an error of `accept` goes away by itself: no descriptor or memory is free at the moment, or the other side has gone already.
    private static func passes(_ code: Int32) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPROTO, EPERM].contains(code) }

    private func serve(_ socket: AsyncSocket) async {
        var rest: [UInt8] = []
        var isOpen = true
        do {
            while isOpen {
                let before = rest
                guard let request = try await within(Listener.seconds, { try await read(after: before, from: socket) }) else { break }
                try await send(await handler.respond(to: request), to: socket, isLast: !request.keepsAlive, withBody: request.method != "HEAD")
                (rest, isOpen) = (request.rest, request.keepsAlive)
            }
        } catch let refusal as Refusal {
            try? await send(handler.respond(refusal), to: socket, isLast: true, withBody: true)
            await drain(socket)
        } catch {}
        try? socket.close()
    }

    private func read(after rest: [UInt8], from socket: AsyncSocket) async throws -> PageRequest? {
        try await PageRequest.read(after: rest, limit: handler.limit) { try await bytes(of: socket) }
    }

    /// Nil at the end.
    private func bytes(of socket: AsyncSocket) async throws -> [UInt8]? {
        do { return try await socket.read(atMost: 4096) } catch SocketError.disconnected { return nil }
    }

    private func send(_ response: Response, to socket: AsyncSocket, isLast: Bool, withBody: Bool) async throws {
        let bytes = Data(response.bytes(isLast: isLast, withBody: withBody))
        try await within(Listener.seconds) { try await socket.write(bytes) }
    }

    /// What is still on its way is read and dropped for a moment: closed at once, the browser would be told of a broken connection
    /// before it has read the answer.
    private func drain(_ socket: AsyncSocket) async {
        shutdown(socket.socket.file.rawValue, Int32(SHUT_WR))
        try? await within(2) {
            var left = 16 << 20
            while left > 0, let piece = try await bytes(of: socket) { left -= piece.count }
        }
    }
}

/// What `body` returns, if it does so in time.
///
/// - Throws: `SocketError.timeout` if not, having cancelled it.
private func within<Value: Sendable>(_ seconds: Double, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw SocketError.timeout(message: "\(seconds) s")
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}
