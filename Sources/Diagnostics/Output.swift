import Foundation

/// The one way to standard output and standard error.
///
/// A run outlives its terminal: progress that cannot be shown is dropped. A result is what the program was started for:
/// if it cannot be delivered, that is a failure. Nothing is buffered, so whoever calls learns of it there and then.
package enum Output {
    /// To be called before any file is opened: a reader that went away becomes an error instead of a signal, and a
    /// standard descriptor that the program was started without is occupied, so that no file of a run gets its number.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest free number is this one. Opened the wrong way round, so that its use still fails.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes a result and a newline to standard output.
    ///
    /// - Throws: `Failure.inputOutput` if it was not delivered, as far as can be known: under mpirun, where mpirun's own
    ///   output is broken.
    package static func result(_ text: String, terminator: String = "\n") throws {
        guard let code = write(text + terminator, to: STDOUT_FILENO) ?? LauncherOutput.error else { return }
        throw Failure.inputOutput(
            "the result could not be written to standard output: \(String(cString: strerror(code)))",
            remedy: code == ENOSPC ? "free some space, or send it elsewhere" : "leave standard output open until the program ends")
    }

    /// Writes to standard output what is lost without harm, as it is, without a newline.
    package static func progress(_ text: String) {
        // Open MPI's mpirun ends a job that goes on writing after mpirun's own reader has gone.
        guard LauncherOutput.error == nil else { return }
        _ = write(text, to: STDOUT_FILENO)
    }

    /// Writes a line to standard error, in one piece, so that lines of several ranks do not mix.
    package static func complain(_ text: String) { _ = write(text + "\n", to: STDERR_FILENO) }

    /// Returns `errno`, or nil if all was written.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count >= 0 {
                    done += count
                } else if errno == EAGAIN {
                    // Somebody made the terminal or pipe nonblocking: wait until it takes more.
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Foundation.poll(&poll, 1, 1000)
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
    }
}

/// What becomes of the lines that this process hands to mpirun, which swallows errors of its own output.
private enum LauncherOutput {
    /// Why mpirun cannot write, as an `errno`; nil if it can, for all that is known, or if there is no mpirun here.
    static var error: Int32? {
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_RANK"] != nil else { return nil }
        let parent = "/proc/\(getppid())"
        guard let name = try? String(decoding: ReadableFile.stream(parent + "/comm"), as: UTF8.self), ["mpirun", "mpiexec", "orterun", "prterun"].contains(where: name.hasPrefix)
        else { return nil }
        let path = parent + "/fd/1"
        var link = stat()
        // A closed descriptor's number is used for something that is only read.
        guard lstat(path, &link) == 0 else { return errno == ENOENT ? EBADF : nil }
        guard link.st_mode & S_IWUSR != 0 else { return EBADF }
        var target = stat()
        guard stat(path, &target) == 0 else { return nil }
        switch target.st_mode & S_IFMT {
        case S_IFCHR:
            return target.st_rdev == fullDevice ? ENOSPC : nil
        case S_IFREG:
            var system = statvfs()
            return statvfs(path, &system) == 0 && system.f_bavail == 0 && system.f_blocks > 0 ? ENOSPC : nil
        case S_IFIFO:
            let descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { return errno == ENXIO ? EPIPE : nil }
            defer { close(descriptor) }
            var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            return Foundation.poll(&poll, 1, 0) == 1 && poll.revents & Int16(POLLERR) != 0 ? EPIPE : nil
        default: return nil
        }
    }

    /// The device number of /dev/full.
    private static let fullDevice: dev_t = {
        var status = stat()
        return stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR ? status.st_rdev : .max
    }()
}
