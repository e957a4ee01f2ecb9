import Foundation
import TestSupport
import Testing

/// Tiny images, as people have them.
enum TinyImages {
    /// A folder of PNG files, `counts` of them for each class and split.
    ///
    /// - Parameter first: images with other numbers look different.
    static func write(_ folder: String, _ counts: [String: [String: Int]], from first: Int = 0) throws {
        let script = """
            import os, struct, sys, zlib, json
            def png(path, value):
                raw = b"".join(b"\\0" + bytes((value * 7 + y * 3 + x) % 256 for x in range(12)) for y in range(12))
                def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                open(path, "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))
            root, counts = sys.argv[1], json.loads(sys.argv[2])
            value = int(sys.argv[3])
            for split, classes in counts.items():
                for name, count in classes.items():
                    os.makedirs(f"{root}/{split}/{name}", exist_ok=True)
                    for i in range(count):
                        png(f"{root}/{split}/{name}/{name}-{split}-{i}.png", value)
                        value += 1
            """
        let json = String(decoding: try JSONEncoder().encode(counts), as: UTF8.self)
        let run = try ProgramRun.of("python3", ["-c", script, folder, json, "\(first)"])
        try #require(run.status == 0, "\(run)")
    }

    /// Packs a folder into `folder.pack`.
    static func pack(_ folder: String) throws {
        let run = try TinyPilot.sipat(["data", "pack", folder, "--size", "16", "--channels", "1", "--output", folder + ".pack"])
        try #require(run.status == 0, "\(run)")
    }
}
