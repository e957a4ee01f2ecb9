import Checkpoints
import Diagnostics
import Foundation
import Recipes
import Training

/// Where `--weights` points to, and the recipe that made them if they belong to a run.
package struct WeightsSource {
    /// The safetensors file.
    package let path: String
    /// Where the run stood when it wrote the weights; nil for a file that lies in no checkpoint of this program.
    package let state: RunState?
    /// What was read, in words: whose checkpoint, whose recipe.
    package let account: String
    /// Why there is no recipe where there should be one. Matters only to those who have not said what it would say.
    package let recipeFailure: Failure?

    /// The recipe of the steps that made the weights.
    package var recipe: Recipe? { state?.recipe }

    /// - Parameter given: a run's folder, its `checkpoints`, one checkpoint, or a file.
    package init(_ given: String) throws {
        var status = stat()
        guard stat(given, &status) == 0 else {
            throw Failure.inputOutput(
                "\(given): \(String(cString: strerror(errno)))", remedy: "--weights takes a run's folder, a checkpoint's, or a safetensors file")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            path = given
            // A file takes its settings from the checkpoint that it is a part of, and from nowhere else.
            let folder = pathFolder(given)
            guard [RunFiles.weights, RunFiles.average].contains(pathName(given)), Checkpoint.isPublished(folder) else {
                (state, recipeFailure, account) = (nil, nil, given)
                return
            }
            (state, recipeFailure) = Self.state { try Checkpoint(verifying: folder) }
            account = "\(given), with the recipe in \(folder)/\(RunFiles.state)"
            return
        }
        let checkpoint: Checkpoint
        if Checkpoint.isPublished(given) {
            checkpoint = try Checkpoint(verifying: given)
        } else if let run = Self.run(given) {
            let store = CheckpointStore(run: run)
            guard let found = try store.best()?.checkpoint ?? store.latestValid().checkpoint else {
                throw Failure.badData("\(given): holds no good checkpoint", remedy: "train until there is one, or name another run")
            }
            checkpoint = found
        } else {
            throw Failure.badData(
                "\(given): is neither a run's folder nor a checkpoint of one", remedy: "name the folder given to sipat train --output, or a safetensors file")
        }
        let isAveraged = checkpoint.files.contains(RunFiles.average)
        path = try checkpoint.path(of: isAveraged ? RunFiles.average : RunFiles.weights)
        (state, recipeFailure) = Self.state { checkpoint }
        account = "\(path)\(isAveraged ? " (the moving average of the weights; beside it those of the last step)" : ""), with the recipe in \(checkpoint.path)/\(RunFiles.state)"
    }

    /// The run whose folder, or folder of checkpoints, this is.
    private static func run(_ folder: String) -> String? {
        if isFolder(folder + "/checkpoints") { return folder }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard names.contains(where: { Checkpoint.isPublished(folder + "/" + $0) }) else { return nil }
        return isSameFile(folder, folder + "/../checkpoints") ? folder + "/.." : nil
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func state(_ checkpoint: () throws -> Checkpoint) -> (RunState?, Failure?) {
        do {
            return (try RunFiles.state(of: checkpoint()), nil)
        } catch {
            return (nil, error as? Failure ?? .badData("\(error)"))
        }
    }
}
