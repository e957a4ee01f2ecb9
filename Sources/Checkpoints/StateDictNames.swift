import Diagnostics

/// Which tensor of a file is which of a model's, where other programs have named them.
///
/// Wrappers put their names before the model's (`module.` by DataParallel, `_orig_mod.` by torch.compile,
/// `module.attacker.model.` by the robustness library), two families of code call the same layers `downsample` and
/// `shortcut`, `fc` and `linear`, and some files hold tensors that no forward pass reads.
struct StateDictNames {
    /// The file's name of each expected tensor.
    private(set) var found: [String: String] = [:]
    /// What was done that the user should know.
    private(set) var notes: [String] = []
    /// What is wrong; nil if the file fits.
    private(set) var fault: String?
    /// What to do about it.
    private(set) var remedy: String

    /// - Parameters:
    ///   - expected: every tensor's name and shape.
    ///   - file: name and shape of every tensor in the file.
    ///   - lastLayer: the layer that may be missing in the file, or be one for other classes; it is then not in `found`.
    ///   - words: how the user says what the model is.
    init(expected: [(name: String, shape: [Int])], file: [String: [Int]], lastLayer: String? = nil, words: ModelWords = .flags) {
        remedy = "give the model, width, stem and number of classes that the file was trained with (\(words.setting("name")), \(words.setting("width")), \(words.setting("stem")))"
        var byCanonicalName: [String: String] = [:]
        for (name, _) in expected { byCanonicalName[Self.canonical(name)] = name }
        let prefix = Self.prefix(of: Array(file.keys), expected: Set(byCanonicalName.keys))
        var surplus: [String] = []
        var hasRenamed = false
        for name in file.keys.sorted() {
            let short = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
            if let short, let own = byCanonicalName[Self.canonical(short)], found[own] == nil || short == own {
                if short != own { hasRenamed = true }
                found[own] = name
            } else {
                surplus.append(name)
            }
        }
        if !prefix.isEmpty { notes.append("the names' beginning \"\(prefix)\" was taken off") }
        if hasRenamed { notes.append("shortcut and downsample, linear and fc, norm.1 and norm1 were taken for each other") }

        let taken = Set(found.values)
        let ignored = surplus.filter { !taken.contains($0) && Self.isUnused($0, expected: Set(byCanonicalName.keys)) }
        surplus.removeAll { taken.contains($0) || ignored.contains($0) }
        let silent = ignored.filter { !$0.hasSuffix("num_batches_tracked") }
        if !silent.isEmpty { notes.append("not used, as by the model itself: \(Self.list(silent))") }

        let replaced = lastLayer.map { leaveOut($0, expected, file) } ?? []
        let expected = expected.filter { !replaced.contains($0.name) }
        let missing = expected.map(\.name).filter { found[$0] == nil }.sorted()
        let wrong = expected.compactMap { name, shape in
            found[name].flatMap { own in file[own]! == shape ? nil : "\(own) has shape \(file[own]!), expected \(shape)" }
        }
        guard !missing.isEmpty || !surplus.isEmpty || !wrong.isEmpty else { return }
        let parts = [("missing", missing), ("surplus", surplus), ("wrong", wrong)].compactMap { title, list in
            list.isEmpty ? nil : "\n  \(title) (\(list.count)): \(Self.list(list))"
        }
        fault = "does not fit this model:" + parts.joined()
        if let cause = Self.cause(expected, found: found, file: file, missing: missing, words: words) { remedy = cause }
    }

    /// Takes the layer out of what was found if the file has none, or one for another number of classes.
    ///
    /// - Returns: its tensors' names; none if the file's layer fits.
    private mutating func leaveOut(_ layer: String, _ expected: [(name: String, shape: [Int])], _ file: [String: [Int]]) -> [String] {
        let tensors = expected.filter { $0.name.hasPrefix(layer + ".") }
        let own = tensors.map { tensor in found[tensor.name].flatMap { file[$0] } }
        guard found.count > tensors.count else { return [] }
        if own.allSatisfy({ $0 == nil }) {
            notes.append("the last layer, \(layer), is new: the file has none")
            return tensors.map(\.name)
        }
        // Of weights and bias all but the number of classes must be right.
        let isLikely = zip(tensors, own).allSatisfy { $1?.count == $0.shape.count && $1?.dropFirst() == $0.shape.dropFirst() }
        guard isLikely, Set(own.map { $0?.first }).count == 1, let classes = own.first??.first, classes != tensors[0].shape[0] else { return [] }
        for tensor in tensors { found[tensor.name] = nil }
        notes.append("the last layer, \(layer), is new: the file tells \(classes) classes apart, the data \(tensors[0].shape[0])")
        return tensors.map(\.name)
    }

    /// A name in the words that all share.
    private static func canonical(_ name: String) -> String {
        var words: [Substring] = []
        for word in name.split(separator: ".", omittingEmptySubsequences: false) {
            switch word {
            case "shortcut": words.append("downsample")
            case "linear": words.append("fc")
            // torchvision's own files of DenseNets have norm.1 and conv.2 for norm1 and conv2.
            case "1", "2":
                if let last = words.last, last == "norm" || last == "conv", words.dropLast().last?.hasPrefix("denselayer") == true {
                    words[words.count - 1] = last + word
                } else {
                    words.append(word)
                }
            default: words.append(word)
            }
        }
        return words.joined(separator: ".")
    }

    /// What stands before the model's own names in most of the file's; of two copies of a model the shorter prefix.
    private static func prefix(of names: [String], expected: Set<String>) -> String {
        var hits: [String: Int] = [:]
        for name in names {
            var rest = Substring(name)
            var prefix = ""
            while true {
                if expected.contains(canonical(String(rest))) { hits[prefix, default: 0] += 1 }
                guard let dot = rest.firstIndex(of: ".") else { break }
                prefix += rest[...dot]
                rest = rest[rest.index(after: dot)...]
            }
        }
        return hits.max { ($0.value, -$0.key.count, $1.key) < ($1.value, -$1.key.count, $0.key) }?.key ?? ""
    }

    /// Whether a surplus tensor is known to take no part in the forward pass that is computed here.
    private static func isUnused(_ name: String, expected: Set<String>) -> Bool {
        let parts = name.split(separator: ".").map(String.init)
        guard let last = parts.last else { return false }
        if last == "num_batches_tracked" || isNormalization(name) { return true }
        // TRADES' wide ResNet makes a second first block and never calls it.
        if parts.contains("sub_block1") { return true }
        // The same model once more under another wrapper.
        return parts.indices.contains { expected.contains(canonical(parts[$0...].joined(separator: "."))) } && parts.contains { $0 == "attacker" || $0 == "ema" }
    }

    /// Whether a tensor belongs to a layer that normalises images.
    static func isNormalization(_ name: String) -> Bool {
        let parts = name.split(separator: ".").map(String.init)
        guard let last = parts.last else { return false }
        return ["mu", "sigma", "mean", "std", "new_mean", "new_std"].contains(last)
            || parts.contains { $0 == "normalizer" || $0 == "normalize" || $0 == "normalise" || $0 == "norm_layer" }
    }

    private static func cause(
        _ expected: [(name: String, shape: [Int])], found: [String: String], file: [String: [Int]], missing: [String], words: ModelWords
    ) -> String? {
        if missing.count == expected.count { return "these are another network's names: give the one that the file was trained with (\(words.setting("name")))" }
        for (name, shape) in expected {
            guard let own = found[name].flatMap({ file[$0] }), own.count == shape.count, own != shape else { continue }
            if shape.count == 4, own[2] != shape[2], name == expected[0].name {
                return "the file's first filter is \(own[2])×\(own[2]): give \(words.setting("stem", own[2] == 7 ? "imagenet" : "cifar"))"
            }
            if shape.count == 2, own[1] == shape[1] {
                return "the file tells \(own[0]) classes apart, the data \(shape[0]): \(words.otherData)"
            }
            if shape.count == 4, own[1] == shape[1], own[2...] == shape[2...] {
                return "the file's \(name) has \(own[0]) channels where \(shape[0]) are expected: give its \(words.setting("width")) (or \(words.setting("depth")) and \(words.setting("widen")))"
            }
            if shape.count == 4, own[1] != shape[1], name == expected[0].name {
                return "the file takes images of \(own[1]) channels, the data has \(shape[1]): \(words.otherData)"
            }
        }
        return nil
    }

    /// The first few of a list.
    private static func list(_ names: [String]) -> String {
        names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
}
