import Checkpoints
import Diagnostics
import Foundation
import Recipes

/// What rank 0 found in a run's folder: where to go on from.
package struct RunStart {
    package let directory: RunDirectory
    /// The newest good checkpoint and the state in it; nil where the run begins.
    package let checkpoint: Checkpoint?
    package let state: RunState?
    /// What is to be said about it, and which keys of the recipe differ from those of the steps taken.
    package var notes: [String] = []
    package var changes: [Recipe.Difference] = []
    let files: any FileOperations

    /// Reads every byte of the checkpoint.
    ///
    /// - Throws: `Failure.badData` where there are checkpoints and none of them is good.
    package init(_ directory: RunDirectory, using files: any FileOperations = PosixFileOperations()) throws {
        self.directory = directory
        self.files = files
        let (checkpoint, skipped) = try CheckpointStore(run: directory.path).latestValid()
        notes = skipped.map { "warning: \($0.path) is damaged and passed over: \($0.reason.message)" }
        guard checkpoint != nil || skipped.isEmpty else {
            throw Failure(
                skipped[0].reason.kind,
                "\(directory.path): none of its \(skipped.count) checkpoints is good; the newest: \(skipped[0].reason.message)",
                remedy: "start anew in another folder (--output)")
        }
        self.checkpoint = checkpoint
        state = try checkpoint.map { try RunFiles.state(of: $0) }
        if checkpoint == nil, directory.heldRun { notes.append("\(directory.path) holds a run without a checkpoint: it begins anew") }
    }
}
