import Checkpoints
import Diagnostics
import Foundation
import Recipes
import Training

/// Where `--weights` points to, and the recipe that made them if they belong to a run.
package struct WeightsSource {
    package let path: String
    package let recipe: Recipe?

    package init(_ given: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: given, isDirectory: &isDirectory) else {
            throw Failure.inputOutput("\(given): no such file or folder", remedy: "--weights takes a run's folder, a checkpoint's, or a safetensors file")
        }
        guard isDirectory.boolValue else {
            path = given
            recipe = try Self.recipe(ofRun: ((given as NSString).deletingLastPathComponent as NSString).appendingPathComponent("../.."))
            return
        }
        if FileManager.default.fileExists(atPath: given + "/checkpoints") {
            let store = CheckpointStore(run: given)
            guard let checkpoint = try store.best()?.checkpoint ?? store.latestValid().checkpoint else {
                throw Failure.badData("\(given): holds no good checkpoint")
            }
            path = try checkpoint.path(of: RunFiles.weights)
            recipe = try Self.recipe(ofRun: given)
        } else {
            path = try Checkpoint(verifying: given).path(of: RunFiles.weights)
            recipe = try Self.recipe(ofRun: given + "/../..")
        }
    }

    private static func recipe(ofRun folder: String) throws -> Recipe? {
        let path = folder + "/recipe.yaml"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try RecipeParser.parse(String(decoding: try ReadableFile.contents(of: path), as: UTF8.self), name: path)
    }
}
