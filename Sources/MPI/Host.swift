import Foundation

/// The machine this process runs on.
public enum Host {
    /// Its name as `gethostname` gives it, or "localhost".
    public static var name: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 257) { buffer in
            buffer.initialize(repeating: 0)
            guard gethostname(buffer.baseAddress!, 256) == 0, buffer[0] != 0 else { return "localhost" }
            return String(cString: buffer.baseAddress!)
        }
    }
}
