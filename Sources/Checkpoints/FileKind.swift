import Diagnostics

/// What a file is that was given for a safetensors file, where its first bytes tell.
enum FileKind {
    /// - Parameter head: the first bytes of the file, as many as there are, 512 at most.
    /// - Returns: what it is and what to do about it; nil if it may be safetensors.
    static func notSafetensors(_ head: [UInt8], path: String) -> (what: String, remedy: String)? {
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        func begins(_ text: String) -> Bool { head.starts(with: text.utf8) }
        let text = String(decoding: head, as: UTF8.self).lowercased()
        let start = text.drop { $0.isWhitespace || $0 == "\u{feff}" }
        if begins("version https://git-lfs") {
            return ("is a Git LFS pointer, not the file itself", "fetch the file: git lfs pull --include \(pathName(path)), or download it from the project's page")
        }
        if begins("PK\u{3}\u{4}") || (begins([0x80]) && head.count > 1 && (2...5).contains(head[1]) && !looksLikeHeader(head)) {
            return ("is a file of torch.save (.pt, .pth), which this program does not read", "convert it: \(conversion(path))")
        }
        if start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<?xml") || start.hasPrefix("<head") {
            return ("is a web page, not weights", "download the file again, with the link to the file itself (often \"raw\" or \"resolve\")")
        }
        if begins([0x1F, 0x8B]) { return ("is compressed by gzip", "unpack it first: gzip -dk \(path) (or tar xzf, for an archive)") }
        if begins([0x42, 0x5A, 0x68]) { return ("is compressed by bzip2", "unpack it first: bzip2 -dk \(path)") }
        if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A]) { return ("is compressed by xz", "unpack it first: xz -dk \(path)") }
        if begins([0x28, 0xB5, 0x2F, 0xFD]) { return ("is compressed by zstd", "unpack it first: zstd -dk \(path)") }
        if begins([0x89, 0x48, 0x44, 0x46]) { return ("is an HDF5 file", "save the weights as safetensors, under PyTorch's names") }
        if begins([0x93] + Array("NUMPY".utf8)) { return ("is an npy file", "weights are read from safetensors files: was another file meant?") }
        if head.count > 262, Array(head[257..<262]) == Array("ustar".utf8) { return ("is a tar archive", "unpack it first: tar xf \(path)") }
        if start.hasPrefix("{") && !looksLikeHeader(head) { return ("is JSON, not weights", "give the safetensors file that belongs to it") }
        return nil
    }

    /// Whether the bytes begin as safetensors do: a length, then an object.
    private static func looksLikeHeader(_ head: [UInt8]) -> Bool { head.count > 8 && head[8] == UInt8(ascii: "{") && head[4..<8].allSatisfy { $0 == 0 } }

    private static func conversion(_ path: String) -> String {
        let name = pathName(path)
        let stem = name.firstIndex(of: ".").map { String(name[..<$0]) } ?? name
        return """
            python3 -c "import torch, safetensors.torch as s; d = torch.load('\(path)', map_location='cpu', weights_only=True); \
            d = next((d[k] for k in ('state_dict', 'model_state_dict', 'model', 'net') if k in d), d); s.save_file({k: v.clone().contiguous() for k, v in d.items() if hasattr(v, 'shape')}, '\(stem).safetensors')"
            """
    }
}
