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
        func value(_ key: String) -> RecipeValue { self[RecipeSchema.byPath[key]!] }
        func shown(_ key: String) -> String { "\(key) is \(value(key))" }

        let radii = [("attack.epsilon", attack.epsilon), ("attack.epsilonSalient", attack.epsilonSalient), ("attack.stepSize", attack.stepSize)]
        for (key, radius) in radii where attack.norm == .linf {
            try require(
                radius <= 1, [key, "attack.norm"], "\(shown(key)), but images are in [0, 1]",
                "did you mean \(value(key))/255? The common radius is 8/255, with steps of 2/255")
        }
        try require(
            attack.epsilonSalient <= attack.epsilon, ["attack.epsilonSalient", "attack.epsilon"],
            "\(shown("attack.epsilonSalient")), more than attack.epsilon, \(value("attack.epsilon"))",
            "salient pixels are those that may move less")
        try require(
            attack.stepSize > 0 || attack.epsilon == 0 || attack.name != .pgd, ["attack.stepSize"],
            "\(shown("attack.stepSize")), so the attack would not move", "2/255 suits a radius of 8/255 and 10 steps")

        try checkMethods(require: require)

        try require(
            data.microBatch <= data.batch, ["data.microBatch", "data.batch"],
            "\(shown("data.microBatch")), more than data.batch, \(data.batch)", "make the micro-batch \(data.batch) or smaller")
        try require(
            data.batch % data.microBatch != 1, ["data.batch", "data.microBatch"],
            "\(shown("data.batch")), which leaves a micro-batch of one image after those of \(data.microBatch); BatchNorm needs two or more",
            "make data.batch a multiple of data.microBatch")
        try require(
            data.name == .synthetic || !data.directory.isEmpty, ["data.name"], "data.directory is not given",
            "--set data.directory=DIR, the folder with the files of \(data.name.rawValue)")
        try require(
            data.name != .synthetic || augmentation.crop <= synthetic.size, ["augmentation.crop", "synthetic.size"],
            "\(shown("augmentation.crop")), more than synthetic.size, \(synthetic.size)", "a padding of 2 to 4 pixels is common")

        let hasMaps = data.name == .synthetic || !salience.maps.isEmpty || salience.estimator != SalienceSource.noEstimator
        try require(
            mode != .sipAT || hasMaps || salience.source == .centrePrior || salience.source == .random && salience.coverage > 0,
            salience.source == .own ? ["mode", "data.name"] : ["salience.source", "data.name"],
            salience.source == .own
                ? "mode sip-at needs to know which pixels are salient" : "\(shown("salience.source")) needs maps, to protect as much of each image as they do",
            "--set salience.maps=FILE.npy, or --set salience.estimator=boolean-map" + (salience.source == .random ? ", or --set salience.coverage=0.3" : ""))
        try require(
            salience.centrePrior == 0 || salience.estimator != SalienceSource.noEstimator, ["salience.centrePrior", "salience.estimator"],
            "\(shown("salience.centrePrior")), but salience.estimator is none, whose maps it would weigh", "set salience.estimator, or salience.centrePrior=0")
        try require(
            salience.maps.isEmpty || salience.estimator == SalienceSource.noEstimator, ["salience.maps", "salience.estimator"],
            "salience.maps and salience.estimator are both given", "leave one of them out")

        try require(
            !salience.redraw || salience.source == .random, ["salience.redraw", "salience.source"],
            "salience.redraw is true, but \(shown("salience.source")): only random blobs can be drawn anew", "set salience.source=random, or salience.redraw=false")

        try require(
            schedule.warmupEpochs < Double(epochs), ["schedule.warmupEpochs", "epochs"],
            "\(shown("schedule.warmupEpochs")), not less than epochs, \(epochs)", "a warm-up of 0 to 5 epochs is common")
        try require(
            schedule.name != .oneCycle || schedule.warmupEpochs == 0, ["schedule.warmupEpochs", "schedule.name"],
            "\(shown("schedule.warmupEpochs")), but one-cycle has a warm-up of its own",
            "leave schedule.warmupEpochs at 0 and set schedule.peak, the share of the run at which the peak is reached")
        try require(
            validation.patience == 0 || data.validation > 0, ["validation.patience", "data.validation"],
            "\(shown("validation.patience")), but data.validation is 0", "set data.validation=0.1, or validation.patience=0")
        try require(
            !optimizer.nesterov || optimizer.momentum > 0, ["optimizer.nesterov", "optimizer.momentum"],
            "optimizer.nesterov is true, but optimizer.momentum is 0", "set optimizer.momentum=0.9")

        do {
            _ = try modelConfiguration()
        } catch let failure as Failure {
            let keys = RecipeSchema.fields.filter { $0.group == "model" }.map(\.path)
            throw Failure(failure.kind, "\(place(keys)): \(failure.message)", remedy: failure.remedy)
        }
    }
}
