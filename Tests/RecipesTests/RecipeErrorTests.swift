import Diagnostics
import Recipes
import Testing

/// Every mistake names its place, its key, what was found and what to do.
@Suite struct RecipeErrorTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let text: String
        let message: String
        let remedy: String
        var testDescription: String { text }
        init(_ text: String, _ message: String, _ remedy: String) { (self.text, self.message, self.remedy) = (text, message, remedy) }
    }

    @Test(arguments: [
        Mistake("epochs: 3\nattack:\n  epsilom: 8/255", "r.yaml:3: there is no key attack.epsilom", "did you mean attack.epsilon?"),
        Mistake("attack:\n  eps: 8/255", "r.yaml:2: there is no key attack.eps", "did you mean attack.epsilon?"),
        Mistake("atack:\n  steps: 1", "r.yaml:1: there is no group atack", "did you mean attack?"),
        Mistake("lr: 0.1", "r.yaml:1: there is no key lr", "did you mean optimizer.lr?"),
        Mistake("model:\n  momentum: 0.1", "r.yaml:2: there is no key model.momentum", "did you mean optimizer.momentum?"),
        Mistake("epoch: 7", "r.yaml:1: there is no key epoch", "did you mean epochs?"),
        Mistake("xyzzy: 7", "r.yaml:1: there is no key xyzzy", "--print-recipe"),
        Mistake("attack: {steps: {a: 1}}", "r.yaml:1: attack.steps is a group of keys, expected a whole number", "gradient steps"),
        Mistake("attack:\n  steps: [1, 2]", "r.yaml:2: attack.steps is a list, expected a whole number", ""),
        Mistake("attack:\n  steps: 0", "attack.steps is \"0\", expected a whole number from 1", ""),
        Mistake("attack:\n  steps: 2.5", "r.yaml:2: attack.steps is \"2.5\", expected a whole number", ""),
        Mistake("optimizer:\n\n  lr: fast", "r.yaml:3: optimizer.lr is \"fast\", expected a number from 0", "learning rate"),
        Mistake("optimizer: {lr: .nan}", "optimizer.lr is \".nan\", expected a number", ""),
        Mistake("optimizer: {lr: nan}", "optimizer.lr is \"nan\", expected a number", ""),
        Mistake("optimizer: {lr: 1/0}", "optimizer.lr is \"1/0\", expected a number", ""),
        Mistake("optimizer: {lr: -1}", "optimizer.lr is \"-1\", expected a number from 0", ""),
        Mistake("optimizer: {lr: }", "optimizer.lr is \"\", expected a number", ""),
        Mistake("attack: {randomStart: maybe}", "attack.randomStart is \"maybe\", expected true or false", ""),
        Mistake("attack: {norm: l1}", "attack.norm is \"l1\", expected one of linf, l2", "did you mean"),
        Mistake("schedule: {milestones: [5, 3]}", "schedule.milestones is \"[5, 3]\", expected an ascending list", ""),
        Mistake("schedule: {milestones: [5, 5]}", "expected an ascending list", ""),
        Mistake("schedule: {milestones: [0, 5]}", "expected an ascending list", ""),
        Mistake("schedule: {milestones: 5}", "schedule.milestones is \"5\", expected an ascending list", ""),
        Mistake("schedule: {milestones: [[5]]}", "schedule.milestones is a list, expected an ascending list", ""),
        Mistake("epochs: 3\nepochs: 4", "r.yaml:1: epochs is given more than once", "keep one"),
        Mistake("attack:\n  steps: 3\n  steps: 4", "r.yaml:2: steps is given more than once", "keep one"),
        Mistake("attack:\n  steps: 3\nattack.steps: 4", "r.yaml:3: attack.steps is given more than once, first at r.yaml:2", "keep one"),
        Mistake("attack: 5", "r.yaml:1: attack is \"5\", expected further keys", "epsilon, epsilonSalient"),
        Mistake("- epochs", "r.yaml:1: expected keys and values, found a list", "--print-recipe"),
        Mistake("just words", "expected keys and values, found \"just words\"", "--print-recipe"),
        Mistake("epochs: 3\n  seed: 4", "r.yaml:2: not YAML", "--print-recipe"),
        Mistake("epochs: [3", "not YAML", ""),
        Mistake("epochs: 1\n---\nepochs: 2", "r.yaml:2: not YAML", ""),
        Mistake("seed: 1\nbase: cifar", "r.yaml:2: base: there is no built-in recipe \"cifar\"", "did you mean cifar10?"),
        Mistake("[a, b]: 1", "r.yaml:1: a list cannot be a key", ""),
        Mistake("epochs: \"\u{1}\"", "not YAML", ""),
        Mistake("x-c: &c {steps: 2}\nattack:\n  <<: [*c, 5]", "r.yaml:3: << holds \"5\", expected aliases of groups", "<<: [*common, *other]"),
        Mistake("attack: \"~\"", "r.yaml:1: attack is \"~\", expected further keys", "epsilon"),
    ])
    func aMistakeInTheFile(_ mistake: Mistake) {
        expect(mistake) { try RecipeParser.parse(mistake.text, name: "r.yaml", overrides: ["data.name=synthetic"]) }
    }

    @Test(arguments: [
        Mistake("optimizer.lr=fast", "--set optimizer.lr=fast: optimizer.lr is \"fast\", expected a number", "learning rate"),
        Mistake("optimizer.lrr=1", "--set optimizer.lrr=1: there is no key optimizer.lrr", "did you mean optimizer.lr?"),
        Mistake("optimizer.lr", "--set optimizer.lr: expected key=value", "--set optimizer.lr=0.05"),
        Mistake("base=synthetic", "--set base=synthetic: base is no key", "give --recipe"),
        Mistake("<<=1", "--set <<=1: there is no key <<", "--print-recipe"),
        Mistake("attack=5", "--set attack=5: attack is a group of keys", "attack.epsilon"),
        Mistake("=5", "--set =5: no key before the =", "optimizer.lr"),
        Mistake("optimizer.learning_rate=1", "there is no key optimizer.learning_rate", "did you mean optimizer.lr?"),
        Mistake("batch_size=1", "there is no key batch_size", "did you mean data.batch?"),
        Mistake("attack.epsilon=8", "--set attack.epsilon=8: attack.epsilon is 8, but images are in [0, 1]", "did you mean 8/255?"),
        Mistake("attack.stepSize=2", "attack.stepSize is 2, but images are in [0, 1]", "did you mean 2/255?"),
        Mistake("attack.stepSize=0", "the attack would not move", ""),
        Mistake("attack.epsilonSalient=9/255", "attack.epsilonSalient is 9/255, more than attack.epsilon, 8/255", ""),
        Mistake("attack.name=fgsm", "attack.name is \"fgsm\", expected one of pgd, fgsm-rs, n-fgsm, free", ""),
        Mistake("attack.name=n-fgsm attack.norm=l2", "attack.name is n-fgsm, but attack.norm is l2: it is made for linf", "attack.name=pgd"),
        Mistake("attack.name=fgsm-rs attack.randomStart=false", "attack.name is fgsm-rs, which has a start of its own", "attack.steps=1"),
        Mistake("attack.name=free attack.start=normal", "attack.start is normal, but attack.name is free", "automatic"),
        Mistake("attack.name=free attack.maskWhen=final", "attack.name is free, whose perturbation is never finished", "every-step"),
        Mistake("attack.name=n-fgsm attack.noiseRatio=0", "attack.noiseRatio is 0", "the paper's is 2"),
        Mistake("attack.warmupEpochs=12", "attack.warmupEpochs is 12, not less than epochs, 12", ""),
        Mistake("objective.name=TRADES", "objective.name is \"TRADES\", expected one of cross-entropy, trades, mart", "did you mean trades?"),
        Mistake("attack.precision=bf16", "attack.precision is \"bf16\", expected one of float32, bfloat16", ""),
        Mistake("attack.precision=bfloat16 attack.batchNorm=train", "attack.precision is bfloat16, but attack.batchNorm is train", "attack.batchNorm=eval"),
        Mistake("attack.precision=bfloat16 attack.name=free", "attack.precision is bfloat16, but attack.name is free", "attack.precision=float32"),
        Mistake("objective.name=trades mode=natural", "objective.name is trades, but mode is natural", "mode=at"),
        Mistake("objective.name=trades attack.randomStart=false", "no gradient at the image itself", "attack.randomStart=true"),
        Mistake("objective.name=mart optimizer.labelSmoothing=0.1", "whose targets are the labels alone", "optimizer.labelSmoothing=0"),
        Mistake("objective.name=mart attack.name=free", "the cross-entropy's own gradient", "attack.name=pgd"),
        Mistake("awp.gamma=0.01 communication.reduction=bf16", "communication.reduction is bf16", "reproducible"),
        Mistake("awp.gamma=0.01 awp.warmupEpochs=12", "the weights would never be perturbed", ""),
        Mistake("watch.action=stop mode=natural", "watch.action is stop, but mode is natural", "automatic"),
        Mistake("watch.action=warn data.validation=0", "there are no images to watch", "data.validation=0.1"),
        Mistake("ema.decay=1", "ema.decay is \"1\", expected a number from 0 to 0.999999", "moving average"),
        Mistake("model.initialization=pytorch", "there is no key model.initialization", "did you mean model.initialisation?"),
        Mistake("data.microBatch=32 data.batch=16", "--set data.batch=16: data.microBatch is 32, more than data.batch, 16", "16 or smaller"),
        Mistake("data.microBatch=32 data.batch=33", "leaves a micro-batch of one image", "a multiple"),
        Mistake("data.microBatch=1", "data.microBatch is \"1\", expected a whole number from 2", ""),
        Mistake("data.validation=0.6", "data.validation is \"0.6\", expected a number from 0 to 0.5", ""),
        Mistake("data.name=mnist", "--set data.name=mnist: data.directory is not given", "--set data.directory=DIR"),
        Mistake("salience.estimator=centre-prior salience.maps=a.npy", "salience.maps and salience.estimator are both given", "leave one"),
        Mistake("data.name=cifar10 data.directory=d mode=sip-at", "mode sip-at needs to know which pixels", "salience.maps=FILE.npy"),
        Mistake("schedule.name=one-cycle schedule.warmupEpochs=2", "one-cycle has a warm-up of its own", "schedule.peak"),
        Mistake("epochs=6 schedule.name=cosine schedule.warmupEpochs=6", "schedule.warmupEpochs is 6, not less than epochs, 6", ""),
        Mistake("validation.patience=3 data.validation=0", "but data.validation is 0", ""),
        Mistake("optimizer.nesterov=true optimizer.momentum=0", "optimizer.momentum is 0", "0.9"),
        Mistake("synthetic.size=32 augmentation.crop=33", "augmentation.crop is 33, more than synthetic.size, 32", ""),
        Mistake("model.name=resnet18 model.depth=28", "--set model.depth=28: model resnet18: depth and widen are options of wide-resnet only", ""),
        Mistake("model.name=resnet19", "model.name is \"resnet19\", expected one of cnn", "did you mean resnet18?"),
    ])
    func aMistakeInAnOverride(_ mistake: Mistake) {
        expect(mistake) {
            try RecipeParser.apply(mistake.text.split(separator: " ").map(String.init), to: .builtIn("synthetic"), name: "recipe")
        }
    }

    /// The place of a contradiction is where its last key was given.
    @Test func contradictionsNameALine() {
        let text = "base: synthetic\ndata:\n  microBatch: 64\n  batch: 32\nseed: 3"
        expect(Mistake(text, "r.yaml:4: data.microBatch is 64, more than data.batch, 32", "")) {
            try RecipeParser.parse(text, name: "r.yaml")
        }
        expect(Mistake("", "r.yaml: data.directory is not given", "data.directory=DIR")) { try RecipeParser.parse("", name: "r.yaml") }
    }

    @Test func anL2RadiusMayExceedOne() throws {
        let recipe = try RecipeParser.apply(["attack.norm=l2", "attack.epsilon=1.5"], to: .builtIn("synthetic"), name: "recipe")
        #expect(recipe.attack.epsilon == 1.5)
    }

    private func expect(_ mistake: Mistake, _ body: () throws -> Recipe) {
        do {
            _ = try body()
            Issue.record("\(mistake.text) was accepted")
        } catch let failure as Failure {
            #expect(failure.kind == .usage)
            #expect(failure.message.contains(mistake.message), "\(failure)")
            #expect(mistake.remedy.isEmpty || failure.remedy?.contains(mistake.remedy) == true, "\(failure)")
        } catch {
            Issue.record("\(error)")
        }
    }
}
