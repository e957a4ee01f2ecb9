import Diagnostics

extension SafetensorsFile {
    /// Checks that the file holds exactly the tensors a model needs, and says all that is wrong at once.
    ///
    /// - Parameters:
    ///   - expected: every tensor's name and shape.
    ///   - mayHave: says of a surplus name whether it is harmless; `num_batches_tracked` is by default.
    /// - Throws: `Failure.badData` that lists missing, surplus and misshapen tensors and those that are not floating-point.
    package func require(
        _ expected: [(name: String, shape: [Int])],
        mayHave: (String) -> Bool = { $0.hasSuffix("num_batches_tracked") }
    ) throws {
        var shapes: [String: [Int]] = [:]
        for (name, shape) in expected { shapes[name] = shape }
        let floating: Set<SafetensorsType> = [.float32, .float64, .float16, .bfloat16]
        var missing: [String] = []
        var wrong: [String] = []
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            guard let found = self.shape(of: name), let type = dtype(of: name) else {
                missing.append(name)
                continue
            }
            if found != shape { wrong.append("\(name) has shape \(found), expected \(shape)") }
            if !floating.contains(type) { wrong.append("\(name) has dtype \(type.rawValue), expected F32") }
        }
        let surplus = names.filter { shapes[$0] == nil && !mayHave($0) }
        guard missing.isEmpty, surplus.isEmpty, wrong.isEmpty else {
            let parts = [("missing", missing), ("surplus", surplus), ("wrong", wrong)].compactMap { title, list in
                list.isEmpty ? nil : "\n  \(title) (\(list.count)): \(list.joined(separator: ", "))"
            }
            throw Failure.badData(
                "\(path): does not fit this model:" + parts.joined(),
                remedy: "give the model, width, stem and number of classes that the file was trained with")
        }
    }
}
