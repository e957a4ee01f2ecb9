import Foundation
import TestSupport
import Testing

/// What holds for people's own files wherever they lie, on any number of ranks.
@Suite struct OwnFilesTests {
    /// One store of people's maps serves a packed set, its folder and its shards.
    @Test func allSourcesTrainToTheSameWeightsInAllModes() throws {
        let pictures = try SmallPictures()
        try pictures.makeShards()
        let (pack, maps) = (try pictures.pack(), pictures.folder.path + "/maps")
        let imported = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "voc", pictures.boxes, "--output", maps)
        #expect(imported.status == 0 && imported.output.contains("41 with a map, 7 confirmed empty, 12 unseen"), "\(imported)")
        var ofModes = Set<String>()
        for mode in ["natural", "at", "sip-at"] {
            var weights = Set<String>()
            for (number, data) in [pack, pictures.images, pictures.shards].enumerated() {
                for ranks in [1, 3] {
                    let run = "\(pictures.folder.path)/\(mode)-\(number)-\(ranks)"
                    let trained = try pictures.train(run, data: data, ranks: ranks, ["mode=\(mode)"] + (mode == "sip-at" ? ["salience.maps=\(maps)"] : []))
                    #expect(trained.status == 0, "\(trained)")
                    weights.insert(try TinyRun.weights(run))
                }
            }
            #expect(weights.count == 1 && weights != ["none"], "\(mode): \(weights)")
            ofModes.formUnion(weights)
        }
        #expect(ofModes.count == 3)
    }

    /// Maps are imported, estimated and looked at beside a file that cannot be used, and training does without the same one.
    @Test func mapsAreMadeBesideAFileThatCannotBeUsed() throws {
        let pictures = try SmallPictures()
        let bad = try #require(try pictures.trainingFile())
        try Data("<html>".utf8).write(to: URL(fileURLWithPath: pictures.images + "/" + bad))
        let (data, maps) = (["--data", pictures.images, "--size", "16"], pictures.folder.path + "/maps")
        func make(_ more: [String]) throws -> ProgramRun { try TinyRun.sipat(["salience", "import"] + data + ["--format", "voc", pictures.boxes, "--output", maps] + more) }
        let refused = try make([])
        #expect(refused.status == 65 && refused.errors.contains(bad) && refused.errors.contains("--skip-bad"), "\(refused)")
        let imported = try make(["--skip-bad"])
        #expect(imported.status == 0 && imported.errors.contains("1 of 48 train images are left out") && imported.output.contains("59 images"), "\(imported)")
        let trained = try pictures.train(pictures.folder.path + "/run", data: pictures.images, ranks: 2, ["mode=sip-at", "salience.maps=\(maps)"], more: ["--skip-bad"])
        #expect(trained.status == 0, "\(trained)")
        let estimated = try TinyRun.sipatOnRanks(
            3, ["salience", "estimate"] + data + ["--skip-bad", "--estimator", "centre-prior", "--output", pictures.folder.path + "/auto"])
        #expect(estimated.status == 0 && estimated.errors.contains("1 of 48 train images are left out"), "\(estimated)")
        let (review, sheet) = (pictures.folder.path + "/review", pictures.folder.path + "/sheet.png")
        for words in [
            ["salience", "sheet"] + data + [maps, "--skip-bad", "--output", sheet], ["review", "plan"] + data + ["--maps", maps, "--skip-bad", "--output", review],
            ["review", "status", review],
        ] {
            let run = try TinyRun.sipat(words)
            #expect(run.status == 0, "\(run)")
        }
    }

    /// Where a store knows which image a map was made for, another image of that name does not get it.
    @Test func mapsOfOtherImagesAreRefused() throws {
        let pictures = try SmallPictures()
        let (pack, maps) = (try pictures.pack(), pictures.folder.path + "/maps")
        let imported = try TinyRun.sipat("salience", "import", "--data", pack, "--format", "voc", pictures.boxes, "--output", maps)
        #expect(imported.status == 0, "\(imported)")
        let changed = try #require(try pictures.trainingFile())
        let other = try #require(pictures.names.first { $0.path != changed })
        try FileManager.default.removeItem(atPath: pictures.images + "/" + changed)
        try FileManager.default.copyItem(atPath: pictures.images + "/" + other.path, toPath: pictures.images + "/" + changed)
        let refused = try pictures.train(pictures.folder.path + "/run", data: pictures.images, ["mode=sip-at", "salience.maps=\(maps)"])
        #expect(refused.status == 65 && refused.errors.contains("1 of 48 images") && refused.errors.contains(changed), "\(refused)")
        // Images with numbers for names have to be the very ones.
        let numbered = pictures.folder.path + "/numbered"
        let estimated = try TinyRun.sipat("salience", "estimate", "--data", "synthetic", "--estimator", "centre-prior", "--output", numbered)
        #expect(estimated.status == 0, "\(estimated)")
        #expect(try TinyRun.sipat("salience", "sheet", "--data", "synthetic", numbered, "--output", pictures.folder.path + "/sheet.png").status == 0)
        let strange = try TinyRun.train(pictures.folder.path + "/strange", ["salience.maps=\(numbered)"])
        #expect(strange.status == 65 && strange.errors.contains("was made for other images"), "\(strange)")
    }

    /// A file that cannot be used is left out alike by all ranks, by a run that goes on, and by the packed set.
    @Test func filesThatCannotBeUsedAreLeftOutAndRecorded() throws {
        let pictures = try SmallPictures()
        let bad = try #require(try pictures.trainingFile())
        try Data("<html>".utf8).write(to: URL(fileURLWithPath: pictures.images + "/" + bad))
        let refused = try pictures.train(pictures.folder.path + "/refused", data: pictures.images, ["mode=natural"])
        #expect(refused.status == 65 && refused.errors.contains(bad) && refused.errors.contains("--skip-bad"), "\(refused)")
        var weights = Set<String>()
        var records = Set<String>()
        for ranks in [1, 3] {
            let run = "\(pictures.folder.path)/run-\(ranks)"
            let trained = try pictures.train(run, data: pictures.images, ranks: ranks, ["mode=natural"], more: ["--skip-bad"])
            #expect(trained.status == 0 && trained.output.contains("1 of 48 train images are left out") && trained.output.contains(bad), "\(trained)")
            weights.insert(try TinyRun.weights(run))
            records.insert(try String(contentsOfFile: run + "/left-out.json", encoding: .utf8))
            let recipe = try String(contentsOfFile: run + "/recipe.yaml", encoding: .utf8)
            #expect(recipe.contains("skipBad: true"))
        }
        let packed = try pictures.train(pictures.folder.path + "/packed", data: pictures.pack("--skip-bad"), ["mode=natural"])
        #expect(packed.status == 0, "\(packed)")
        weights.insert(try TinyRun.weights(pictures.folder.path + "/packed"))
        #expect(weights.count == 1 && weights != ["none"], "\(weights)")
        #expect(records.count == 1 && records.first!.contains(bad) && records.first!.contains("HTML"), "\(records)")
        // It goes on with the same images, whatever becomes of the file, and says so in its card.
        let run = pictures.folder.path + "/run-3"
        let card = try String(contentsOfFile: run + "/model-card.md", encoding: .utf8)
        #expect(card.contains("1 files that could not be used"), "\(card)")
        let resumed = try TinyRun.sipat("train", "--output", run, "--resume", "--set", "epochs=2")
        #expect(resumed.status == 0 && resumed.output.contains("left out"), "\(resumed)")
        // The test split has a bad file of its own.
        let other = try #require(try pictures.trainingFile(isTest: true))
        try Data("<html>".utf8).write(to: URL(fileURLWithPath: pictures.images + "/" + other))
        let folder = pictures.folder.path + "/evaluation"
        let evaluated = try TinyRun.sipatOnRanks(2, ["evaluate", "--weights", run, "--epsilons", "0,8/255", "--steps", "2", "--output", folder])
        #expect(evaluated.status == 0 && evaluated.output.contains("11 images") && evaluated.errors.contains(other), "\(evaluated)")
        #expect(try String(contentsOfFile: folder + "/left-out.json", encoding: .utf8).contains(other))
        let again = try TinyRun.sipat("evaluate", "--output", folder, "--resume")
        #expect(again.status == 0 && again.output.contains("11 images"), "\(again)")
    }

    /// The paper's authors keep the later of two epochs that are equally good; sipat, if not told so, the earlier.
    @Test func ofEquallyGoodEpochsTheRecipeSaysWhichIsKept() throws {
        let folder = try TemporaryFolder()
        for (ties, epoch) in [("earlier", 1), ("later", 3)] {
            let run = "\(folder.path)/\(ties)"
            // The weights stay as they are; so does BatchNorm where it changes no image's class.
            let trained = try TinyRun.train(run, ["mode=natural", "optimizer.lr=0", "epochs=3", "validation.ties=\(ties)", "checkpoint.keep=3"])
            let best = try String(contentsOfFile: run + "/checkpoints/best.json", encoding: .utf8)
            let lines = try TinyRun.lines(run).filter { $0["type"] as? String == "epoch" }
            let accuracies = lines.compactMap { $0["cleanAccuracy"] as? Double }
            try #require(trained.status == 0 && accuracies.count == 3, "\(trained)")
            let top = accuracies.max()!
            let wanted = ties == "earlier" ? accuracies.firstIndex(of: top)! : accuracies.lastIndex(of: top)!
            let step = try #require(lines[wanted]["step"] as? Int)
            #expect(best.contains("\"step\" : \(step)"), "\(ties), \(accuracies), epoch \(epoch): \(best)")
        }
    }

    /// Hosts whose files differ where names and sizes do not are told apart by `data check`; equal ones agree.
    @Test func dataCheckComparesRanks() throws {
        let pictures = try SmallPictures()
        let run = try TinyRun.sipatOnRanks(2, ["data", "check", pictures.images])
        #expect(run.status == 0 && run.output.contains("the same on all 2 ranks") && run.output.components(separatedBy: "contents: ").count == 2, "\(run)")
        let pack = try pictures.pack()
        let packed = try TinyRun.sipatOnRanks(2, ["data", "check", pack])
        #expect(packed.status == 0 && packed.output.contains("the same on all 2 ranks"), "\(packed)")
        // Two ranks with a copy each, as on two hosts: one pixel of one file differs.
        let copy = pictures.folder.path + "/copy"
        try FileManager.default.copyItem(atPath: pictures.images, toPath: copy)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: copy + "/" + pictures.names[9].path))
        bytes[bytes.count - 14] ^= 1
        try bytes.write(to: URL(fileURLWithPath: copy + "/" + pictures.names[9].path))
        let script = """
            cd "$1/rank-$OMPI_COMM_WORLD_RANK" && exec "$2" train --recipe images --output "$1/run" --set mode=natural --set data.directory=data \
            --set data.size=16 --set model.name=cnn --set model.width=4
            """
        for (rank, data) in [pictures.images, copy].enumerated() {
            try FileManager.default.createDirectory(atPath: "\(pictures.folder.path)/rank-\(rank)", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(pictures.folder.path)/rank-\(rank)/data", withDestinationPath: data)
        }
        let different = try ProgramRun.mpirun(ranks: 2, "bash", ["-c", script, "bash", pictures.folder.path, try builtProgram("sipat")])
        #expect(different.status == 65 && different.errors.contains("ranks read different data") && different.errors.contains("rank 1 on "), "\(different)")
    }
}

extension SmallPictures {
    /// A file of the training (or the test) split, as a packed set's index has it.
    func trainingFile(isTest: Bool = false) throws -> String? {
        let other = try SmallPictures()
        let index = try String(contentsOfFile: other.pack() + "/index.jsonl", encoding: .utf8)
        let line = index.split(separator: "\n").first { $0.contains("\"split\":\"\(isTest ? "test" : "train")\"") }
        return line.flatMap { $0.firstMatch(of: #/"path":"([^"]+)"/#).map { String($0.output.1) } }
    }
}
