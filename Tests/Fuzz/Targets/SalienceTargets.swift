import Salience

private let folder = ScratchFolder("salience")

extension FuzzTarget {
    /// An npy file, read whole.
    static let npy = FuzzTarget("npy") { input in
        let file = try NpyFile(folder.write(input.bytes, to: "array.npy"))
        guard file.count <= input.bytes.count else { fatalError("\(file.count) elements in \(input.bytes.count) bytes") }
        let elements = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count * file.type.size, alignment: 4)
        defer { elements.deallocate() }
        try file.read(into: elements)
    }

    /// The JSON beside maps (a part), and the maps.
    static let salienceMaps = FuzzTarget("salience-maps") { input in
        var input = input
        folder.write(input.part(), to: "maps.json")
        let maps = try SalienceMaps(contentsOf: folder.write(input.bytes, to: "maps.npy"))
        guard maps.count * maps.pixels <= input.bytes.count else { fatalError("\(maps.count) maps") }
        var map = [Float](repeating: .nan, count: maps.pixels)
        for index in 0..<maps.count {
            maps.copy(index, into: &map)
            guard map.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { fatalError("map \(index) has a value outside [0, 1]") }
            guard maps.isAnnotated(index) == map.contains(where: { $0 != 0 }) else { fatalError("map \(index)") }
        }
        _ = try SalienceStatistics(maps).table
    }

    /// The JSON beside maps alone; what is accepted can be written and read again.
    static let provenance = FuzzTarget("provenance") { input in
        folder.write(input.bytes, to: "p.json")
        let provenance = try SalienceProvenance(besides: folder.path + "/p.npy")
        _ = provenance.summary
        try provenance.write(besides: folder.path + "/again.npy")
        guard try SalienceProvenance(besides: folder.path + "/again.npy") == provenance else { fatalError("written, it is another") }
    }
}
