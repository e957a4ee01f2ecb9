import Datasets
import Diagnostics
import Foundation
import MPI

extension LeftOutFiles {
    /// A file that was found, on its way between ranks.
    private struct Found: Codable {
        let place: Int
        let file: File
    }

    /// The files that all ranks are to do without: each rank decodes its share, and all get the same list. Collective.
    ///
    /// - Parameters:
    ///   - known: a folder whose `left-out.json`, if it has one, says it already: then no file is decoded. Only rank 0 reads it.
    ///   - waiting: called when this rank's own share is done.
    /// - Returns: nil where there is nothing to decode.
    package static func agree(
        _ configuration: ImagesConfiguration, at path: String, split: DatasetSplit, known folder: String?, communicator: Communicator,
        waiting: () -> Void = {}
    ) throws -> LeftOutFiles? {
        var text = ""
        try communicator.agreeing {
            guard communicator.rank == 0, let folder, access("\(folder)/\(fileName)", F_OK) == 0 else { return }
            text = String(decoding: try jsonBytes(read(folder), .line), as: UTF8.self)
        }
        text = try communicator.broadcast(text)
        if !text.isEmpty { return try decodedJSON(LeftOutFiles.self, from: text.utf8) }
        let (check, own) = try communicator.agreeing { () -> (UsabilityCheck?, String) in
            let check = try UsabilityCheck(configuration, at: path, split: split)
            let found = try check?.run(rank: communicator.rank, of: communicator.size).map { Found(place: $0.place, file: $0.file) } ?? []
            waiting()
            return (check, String(decoding: try jsonBytes(found, .line), as: UTF8.self))
        }
        let all = try communicator.gather(own)
        try communicator.agreeing {
            guard let all, let check else { return }
            let found = try all.flatMap { try decodedJSON([Found].self, from: $0.utf8) }
            text = String(decoding: try jsonBytes(check.record(found.sorted { $0.place < $1.place }.map(\.file)), .line), as: UTF8.self)
        }
        text = try communicator.broadcast(text)
        return text.isEmpty ? nil : try decodedJSON(LeftOutFiles.self, from: text.utf8)
    }

    /// The record in a run's or an evaluation's folder.
    private static func read(_ folder: String) throws -> LeftOutFiles {
        let path = "\(folder)/\(fileName)"
        do {
            return try decodedJSON(LeftOutFiles.self, from: ReadableFile.contents(of: path, limit: 1 << 30))
        } catch let error as DecodingError {
            throw Failure.badData("\(path): does not say which files are left out (\(error))", remedy: "remove it: then all files are decoded again")
        }
    }

    /// The files that an evaluation is to do without. Collective.
    ///
    /// - Parameter folder: that of an evaluation that goes on; nil for another.
    package static func agree(_ request: EvaluationRequest, known folder: String?, communicator: Communicator) throws -> LeftOutFiles? {
        let place = try communicator.agreeing { () -> (images: ImagesConfiguration, path: String)? in
            let recipe = try WeightsSource(request.weights).recipe
            guard request.skipsBadFiles || recipe?.data.skipBad ?? false, request.data ?? recipe?.data.name == .images else { return nil }
            let path = request.directory ?? (recipe?.data.name == .images ? recipe?.data.directory : nil)
            return path.map { (request.files.configuration(recipe), $0) }
        }
        guard let place else { return nil }
        return try agree(place.images, at: place.path, split: request.split, known: folder, communicator: communicator)
    }

    /// Writes the record into a run's or an evaluation's folder.
    package func write(to folder: String) throws { try writeAtomically(try jsonBytes(self), to: "\(folder)/\(Self.fileName)") }
}
