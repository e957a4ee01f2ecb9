import Diagnostics

extension Recipe {
    /// Checks what no single key can tell.
    ///
    /// - Parameter place: where to look, given the keys that contradict each other: `recipe.yaml:12`.
    /// - Throws: `Failure.usage` naming place, keys, values and a remedy.
    func checkConsistency(place: (_ keys: [String]) -> String) throws {
        func require(_ isRight: Bool, _ keys: [String], _ message: @autoclosure () -> String, _ remedy: @autoclosure () -> String) throws {
            guard !isRight else { return }
            throw Failure.usage("\(place(keys)): \(message())", remedy: remedy())
        }
        func shown(_ key: String) -> String { "\(key) is \(values[key]!)" }

        for key in ["attack.epsilon", "attack.epsilonSalient", "attack.stepSize"] where text("attack.norm") == "linf" {
            try require(
                number(key) <= 1, [key, "attack.norm"], "\(shown(key)), but images are in [0, 1]",
                "did you mean \(values[key]!)/255? The common radius is 8/255, with steps of 2/255")
        }
        try require(
            number("attack.epsilonSalient") <= number("attack.epsilon"), ["attack.epsilonSalient", "attack.epsilon"],
            "\(shown("attack.epsilonSalient")), more than attack.epsilon, \(values["attack.epsilon"]!)",
            "salient pixels are those that may move less")
        try require(
            number("attack.stepSize") > 0 || number("attack.epsilon") == 0, ["attack.stepSize"],
            "\(shown("attack.stepSize")), so the attack would not move", "2/255 suits a radius of 8/255 and 10 steps")

        try require(
            microBatch <= batch, ["data.microBatch", "data.batch"],
            "\(shown("data.microBatch")), more than data.batch, \(batch)", "make the micro-batch \(batch) or smaller")
        try require(
            batch % microBatch != 1, ["data.batch", "data.microBatch"],
            "\(shown("data.batch")), which leaves a micro-batch of one image after those of \(microBatch); BatchNorm needs two or more",
            "make data.batch a multiple of data.microBatch")
        try require(
            dataName == "synthetic" || !directory.isEmpty, ["data.name"], "data.directory is not given",
            "--set data.directory=DIR, the folder with the files of \(dataName)")
        try require(
            dataName != "synthetic" || crop <= integer("synthetic.size"), ["augmentation.crop", "synthetic.size"],
            "\(shown("augmentation.crop")), more than synthetic.size, \(integer("synthetic.size"))", "a padding of 2 to 4 pixels is common")

        try require(
            mode != .sipAT || dataName == "synthetic" || !salienceMaps.isEmpty || salienceEstimator != "none", ["mode", "data.name"],
            "mode sip-at needs to know which pixels are salient",
            "--set salience.maps=FILE.npy, or --set salience.estimator=spectral-residual")
        try require(
            salienceMaps.isEmpty || salienceEstimator == "none", ["salience.maps", "salience.estimator"],
            "salience.maps and salience.estimator are both given", "leave one of them out")

        try require(
            number("schedule.warmupEpochs") < Double(epochs), ["schedule.warmupEpochs", "epochs"],
            "\(shown("schedule.warmupEpochs")), not less than epochs, \(epochs)", "a warm-up of 0 to 5 epochs is common")
        try require(
            text("schedule.name") != "one-cycle" || number("schedule.warmupEpochs") == 0, ["schedule.warmupEpochs", "schedule.name"],
            "\(shown("schedule.warmupEpochs")), but one-cycle has a warm-up of its own",
            "leave schedule.warmupEpochs at 0 and set schedule.peak, the share of the run at which the peak is reached")
        try require(
            integer("validation.patience") == 0 || validationShare > 0, ["validation.patience", "data.validation"],
            "\(shown("validation.patience")), but data.validation is 0", "set data.validation=0.1, or validation.patience=0")
        try require(
            !flag("optimizer.nesterov") || number("optimizer.momentum") > 0, ["optimizer.nesterov", "optimizer.momentum"],
            "optimizer.nesterov is true, but optimizer.momentum is 0", "set optimizer.momentum=0.9")

        do {
            _ = try modelConfiguration()
        } catch let failure as Failure {
            let keys = RecipeSchema.fields.filter { $0.group == "model" }.map(\.path)
            throw Failure(failure.kind, "\(place(keys)): \(failure.message)", remedy: failure.remedy)
        }
    }
}
