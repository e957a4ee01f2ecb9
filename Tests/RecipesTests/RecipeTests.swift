import Diagnostics
import Foundation
import NeuralNet
import Recipes
import Testing

@Suite struct RecipeTests {
    /// What `cifar10` and `paper` lack until a user says it.
    static let needs = ["data.directory=/data/cifar-10", "salience.estimator=spectral-residual"]

    @Test(arguments: Recipe.builtInNames, [true, false])
    func printedRecipeParsesToItself(name: String, commented: Bool) throws {
        let recipe = try RecipeParser.apply(Self.needs.dropLast(name == "synthetic" ? 1 : 0), to: .builtIn(name), name: name)
        let text = recipe.yaml(commented: commented)
        #expect(try RecipeParser.parse(text, name: "printed") == recipe)
        // As do all keys but those of `base`: nothing may come from elsewhere.
        #expect(try RecipeParser.parse("base: paper\n" + text, name: "printed") == recipe)
        #expect(text.split(separator: "\n").count { $0.contains("#") } == (commented ? RecipeSchema.fields.count : 0))
    }

    @Test func builtInRecipesAreThoseOfTheLiterature() throws {
        let cifar = try Recipe.builtIn("cifar10")
        #expect(cifar.epochs == 200 && cifar.data.batch == 128 && cifar.data.microBatch == 32 && cifar.augmentation.crop == 4 && cifar.augmentation.flip)
        #expect(cifar.attack.epsilon == 8.0 / 255 && cifar.attack.stepSize == 2.0 / 255)
        #expect(cifar.attack.steps == 10 && cifar.schedule.milestones == [100, 150])
        #expect(cifar.optimizer.weightDecay == 5e-4 && cifar.validation.metric == .automatic)
        let paper = try Recipe.builtIn("paper")
        #expect(paper.epochs == 50 && paper.data.batch == 32 && paper.data.validation == 0.1)
        #expect(paper.attack.stepSize == 1.0 / 255 && paper.attack.steps == 32)
        #expect(paper.schedule.name == .step && paper.schedule.stepEpochs == 10)
        #expect(paper.schedule.gamma == 0.75 && paper.optimizer.weightDecay == 1e-6)
        #expect(paper.data.name == .images && paper.data.size == 224 && paper.augmentation.crop == 0 && !paper.augmentation.flip)
        #expect(paper.model.name == "resnet50" && paper.model.stem == .imagenet && paper.model.mean == .preset(.imagenet) && paper.model.std == .preset(.imagenet))
        #expect(throws: Failure.self) { try Recipe.builtIn("cifar") }
    }

    @Test func groupsAndDottedKeysAndBaseAndOverrides() throws {
        let text = """
            # a comment
            attack:
              epsilon: 4/255   # another
              stepSize: 1e-3
              randomStart: no
            optimizer:
            schedule.milestones: [3, 5]
            base: synthetic
            salience.maps: "with \\"quotes\\", ünicode # and\\nmore.npy"
            """
        let recipe = try RecipeParser.parse(text, name: "r.yaml", overrides: ["epochs=9", "attack.steps=7", "attack.steps=8"])
        let differences = recipe.differences(from: try .builtIn("synthetic")).map { "\($0.field.path)=\($0.new)" }
        #expect(
            differences == [
                "epochs=9", "attack.epsilon=4/255", "attack.stepSize=0.001", "attack.steps=8", "attack.randomStart=false",
                "salience.maps=\"with \\\"quotes\\\", ünicode # and\\nmore.npy\"", "schedule.milestones=[3, 5]",
            ])
        #expect(recipe.salience.maps == "with \"quotes\", ünicode # and\nmore.npy")
        #expect(try RecipeParser.parse(recipe.yaml(commented: true), name: "again") == recipe)
    }

    /// Numbers, lists and texts of every awkward kind survive YAML and JSON.
    @Test func valuesRoundTrip() throws {
        let numbers = [0.1, 1e-4, 1.0 / 3, 2.0 / 255, 254.0 / 255, 1, 0, 0.30000000000000004, 2.5e-308]
        for number in numbers {
            let text = RecipeValue.number(number).description
            #expect(RecipeField.number(text) == number, "\(number) became \(text)")
        }
        #expect(RecipeValue.number(8.0 / 255).description == "8/255")
        let texts = ["", "-", "true", "~", "a: b", "#x", "[1]", "tab\there", "C:\\data", "'", " padded ", "日本/データ", "\u{7}\u{1F600}\u{85}", "*a", "&b", "!c", "@d", "- e"]
        var recipe = try Recipe.builtIn("synthetic")
        for text in texts {
            recipe = try RecipeParser.apply(["data.directory=\(text)"], to: recipe, name: "test")
            #expect(recipe.data.directory == text)
            #expect(try RecipeParser.parse(recipe.yaml(commented: true), name: "again").data.directory == text, "\(text)")
        }
        recipe = try RecipeParser.apply(["epochs=6"], to: recipe, name: "test")
        let json = try JSONEncoder().encode(recipe)
        #expect(try JSONDecoder().decode(Recipe.self, from: json) == recipe)
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains(#""epochs":6"#) && text.contains(#""milestones":[100,150]"#) && text.contains(#""epsilon":0.031372549019607"#))
    }

    @Test func normalisationOfImages() throws {
        let plain = try Recipe.builtIn("synthetic")
        #expect(try plain.modelConfiguration().normalization == nil)
        func normalization(_ text: String) throws -> ImageNormalization? {
            let recipe = try RecipeParser.parse("base: synthetic\n" + text, name: "r.yaml")
            #expect(try RecipeParser.parse(recipe.yaml(commented: true), name: "again") == recipe)
            #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe)
            #expect(plain.differences(from: recipe).allSatisfy { !$0.field.mayChange })
            return try recipe.modelConfiguration().normalization
        }
        let imageNet = ImageNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
        #expect(try normalization("model: {mean: imagenet, std: imagenet}") == imageNet)
        #expect(try normalization("model:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, 0.225]") == imageNet)
        #expect(try normalization("model.mean: 0.485,0.456,0.406\nmodel.std: imagenet") == imageNet)
        #expect(try normalization("model.mean: 0.5\nmodel.std: [1/255]") == ImageNormalization(mean: [0.5], deviation: [1.0 / 255]))
        #expect(try normalization("model.mean: 0.5\nmodel.std: [0.1, 0.2, 0.3]")?.mean == [0.5, 0.5, 0.5])
        #expect(try normalization("model: {mean: none, std: none}") == nil)
        for (text, words) in [
            ("model.mean: imagenet", ["model.std", "imagenet"]), ("model.std: 0.3", ["model.mean"]),
            ("model: {mean: [123.675, 116.28, 103.53], std: imagenet}", ["123.675/255", "[0, 1]"]), ("model: {mean: imagnet, std: imagenet}", ["did you mean imagenet"]),
            ("model: {mean: [0.1, 0.2], std: 1}", ["number for each channel"]), ("model: {mean: 0, std: 0}", ["from 0.001 to 1"]), ("model: {mean: [], std: 1}", ["number"]),
        ] {
            let failure = #expect(throws: Failure.self, "\(text)") { try normalization(text) }
            for word in words { #expect(failure.map { "\($0)".contains(word) } == true, "\(text): \(String(describing: failure))") }
        }
    }

    @Test(arguments: [
        #"{"attack": {"epsilom": 1}}"#, #"{"epochs": 0}"#, #"{"epochs": "many"}"#, #"{"attack": {"norm": "l7"}}"#, #"{"nonsense": {}}"#,
    ])
    func badJSONIsRefused(text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Recipe.self, from: Data(text.utf8)) }
    }

    /// Where free training departs from its authors' code, the recipe says so.
    @Test func freeTrainingSaysHowItDiffers() throws {
        #expect(try #require(RecipeSchema.byPath["attack.name"]).about.contains("begins with zeros in each epoch"))
    }

    /// A group of which nothing is given, in any of YAML's ways.
    @Test(arguments: ["", "~", "null", "{}"]) func anEmptyGroupChangesNothing(nothing: String) throws {
        let text = "base: synthetic\nepochs: 3\n"
        #expect(try RecipeParser.parse(text + "attack: \(nothing)\n", name: "r.yaml") == RecipeParser.parse(text, name: "r.yaml"))
    }

    /// Single steps can fail all at once, whatever they are called; who cannot be watched is warned of.
    @Test func singleStepsAreWatched() throws {
        func recipe(_ overrides: String...) throws -> Recipe { try RecipeParser.apply(overrides, to: .builtIn("synthetic"), name: "test") }
        for single in ["attack.steps=1", "attack.name=fgsm-rs", "attack.name=n-fgsm", "attack.name=free"] {
            #expect(try recipe(single).watchAction == .stop && recipe(single).watchWarning == nil, "\(single)")
            #expect(try recipe(single, "watch.action=off").watchAction == .off && recipe(single, "watch.action=warn").watchAction == .warn)
            let blind = try recipe(single, "data.validation=0")
            #expect(blind.watchAction == .off && blind.watchWarning?.contains(single == "attack.steps=1" ? "attack.steps is 1" : single.replacing("=", with: " is ")) == true)
            #expect(try recipe(single, "mode=natural", "data.validation=0").watchWarning == nil)
        }
        #expect(try recipe("attack.steps=2").watchAction == .off && recipe("attack.steps=2", "data.validation=0").watchWarning == nil)
    }

    @Test func differencesSayWhatAResumedRunMayChange() throws {
        let old = try RecipeParser.apply(["optimizer.lr=0.1", "epochs=6"], to: .builtIn("synthetic"), name: "test")
        let new = try RecipeParser.apply(["optimizer.lr=0.2", "checkpoint.keep=5", "epochs=6"], to: old, name: "test")
        let differences = new.differences(from: old)
        #expect(differences.map(\.field.path) == ["optimizer.lr", "checkpoint.keep"])
        #expect(differences.map(\.field.mayChange) == [false, true])
        #expect(differences[0].old == .number(0.1) && differences[0].new == .number(0.2))
        #expect(old.differences(from: old).isEmpty)
    }

    @Test func schemaIsSound() {
        for field in RecipeSchema.fields {
            #expect(field.allows(field.standard), "\(field.path)")
            #expect(!field.about.isEmpty && !field.about.contains("\n"), "\(field.path)")
            #expect(field.path.split(separator: ".").count <= 2, "\(field.path)")
            #expect(field.group == nil || RecipeSchema.groups.contains(field.group!))
        }
        #expect(RecipeSchema.byPath.count == RecipeSchema.fields.count)
        // Keys outside the groups come first, and each group's keys stand together: printing relies on it.
        let groups = RecipeSchema.fields.map(\.group)
        let runs = groups.indices.filter { $0 == 0 || groups[$0] != groups[$0 - 1] }.map { groups[$0] }
        #expect(runs.first == .some(nil) && Set(runs).count == runs.count)
    }
}
