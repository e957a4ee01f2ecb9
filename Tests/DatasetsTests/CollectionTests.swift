import Datasets
import Diagnostics
import Foundation
import Images
import Testing

/// A picture of one grey value but for its first pixel.
func png(_ value: UInt8, width: Int = 6, height: Int = 4) throws -> [UInt8] {
    var pixels = [UInt8](repeating: value, count: width * height)
    pixels[0] = value ^ 0x80
    return try Image(size: PixelSize(width: width, height: height), channels: .grey, pixels: pixels).encodedAsPNG()
}

@Suite("Collections of image files")
struct CollectionTests {
    private func open(_ folder: TemporaryFolder, _ options: CollectionOptions = CollectionOptions()) throws -> ImageCollection {
        try ImageCollection(at: folder.path, options: options)
    }

    @Test func classFoldersInSplits() throws {
        let folder = try TemporaryFolder()
        for (index, name) in ["train/cat/1.png", "train/cat/deep/2.PNG", "train/dog/1.png", "test/cat/1.png", "test/dog/9.jpeg"].enumerated() {
            try folder.write(png(UInt8(index)), to: name)
        }
        for clutter in [".DS_Store", "train/.ipynb_checkpoints/1.png", "train/Thumbs.db", "train/cat/notes.txt", "train/stray.png", "other/x/1.png"] {
            try folder.write([1, 2, 3], to: clutter)
        }
        try FileManager.default.createDirectory(atPath: folder.path + "/train/empty", withIntermediateDirectories: true)
        let found = try open(folder)
        #expect(found.layout == .splitFolders && found.classNames == ["cat", "dog"])
        #expect(found.entries.map(\.path) == ["test/cat/1.png", "test/dog/9.jpeg", "train/cat/1.png", "train/cat/deep/2.PNG", "train/dog/1.png"])
        #expect(found.entries.map(\.split) == [.test, .test, .train, .train, .train] && found.entries.map(\.label) == [0, 1, 0, 0, 1])
        for told in [".DS_Store", ".ipynb_checkpoints", "Thumbs.db", "notes.txt", "stray.png", "other/", "empty/"] {
            #expect(found.ignored.contains { $0.contains(told) }, "\(told) is not told: \(found.ignored)")
        }
    }

    @Test func oneLevelIsSplitByClass() throws {
        let folder = try TemporaryFolder()
        for label in ["a", "b", "c"] { for index in 0..<10 { try folder.write(png(UInt8(index)), to: "\(label)/\(index).png") } }
        let found = try open(folder, CollectionOptions(testShare: 0.3))
        #expect(found.layout == .classFolders)
        for label in 0..<3 { #expect(found.entries.count { $0.label == Int32(label) && $0.split == .test } == 3) }
        #expect(try open(folder, CollectionOptions(testShare: 0.3)).entries == found.entries)
        #expect(try open(folder, CollectionOptions(testShare: 0.3, seed: 1)).entries != found.entries)
    }

    @Test func labelsFromNames() throws {
        let folder = try TemporaryFolder()
        for name in ["IMAGES/rolled-in_scale_3.jpg", "IMAGES/patches_1.jpg", "more/patches_77.png", "IMAGES/odd.jpg"] { try folder.write(png(7), to: name) }
        let found = try open(folder, CollectionOptions(labelFrom: "^(.*)_[0-9]+"))
        #expect(found.classNames == ["patches", "rolled-in_scale"] && found.entries.count == 3)
        #expect(found.ignored.contains { $0.contains("odd.jpg") && $0.contains("--label-from") })
        expectFailure(.usage, ["regular expression"]) { _ = try open(folder, CollectionOptions(labelFrom: "(")) }
        expectFailure(.usage, ["group"]) { _ = try open(folder, CollectionOptions(labelFrom: "abc")) }
    }

    @Test func namesNeedNotSayWhatFilesAre() throws {
        let folder = try TemporaryFolder()
        try folder.write(png(1), to: "a/scan0001")
        try folder.write(png(2), to: "a/scan.dat")
        try folder.write(Array("text".utf8), to: "a/readme.md")
        #expect(try open(folder).entries.map(\.path) == ["a/scan.dat", "a/scan0001"])
    }

    /// A link to nothing is a file that cannot be used; the rest of the folder can.
    @Test func aLinkToNothingIsOneBadFile() throws {
        let folder = try TemporaryFolder()
        for index in 0..<4 { try folder.write(png(UInt8(index)), to: "a/\(index).png") }
        for name in ["a/broken.png", "a/broken"] {
            try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + name, withDestinationPath: "nowhere")
        }
        let found = try open(folder)
        #expect(found.entries.count == 5 && found.ignored.contains { $0.hasPrefix("a/broken: ") })
        let report = try CollectionReport(found)
        #expect(report.problems.map(\.path) == ["a/broken.png"] && report.problems[0].failure.message.contains("No such file"))
    }

    @Test func nothingIsAnError() throws {
        let folder = try TemporaryFolder()
        try folder.write([1], to: "class/notes.txt")
        expectFailure(.badData, ["holds no image", "notes.txt"]) { _ = try open(folder) }
        expectFailure(.inputOutput, ["nowhere"]) { _ = try ImageCollection(at: folder.path + "/nowhere", options: CollectionOptions()) }
    }

    @Test func groupsStayTogether() throws {
        let folder = try TemporaryFolder()
        var lines = "path,label,group\n"
        for index in 0..<600 { lines += "\(index).png,\(index % 3 == 0 ? "a" : "b"),part \(index / 4 % 60)\n" }
        try folder.write(Array(lines.utf8), to: "manifest.csv")
        for seed in 0..<10 {
            let found = try open(folder, CollectionOptions(testShare: 0.25, seed: UInt64(seed)))
            #expect(found.separatedGroups.isEmpty)
            let share = Double(found.entries.count { $0.split == .test }) / 600
            #expect(abs(share - 0.25) < 0.03, "\(share)")
        }
    }

    /// For all that train or evaluate; `data check` warns of it.
    @Test func splitsThatSeparateGroupsAreRefused() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("path,label,split,group\na,x,train,left\nb,y,test,left\nc,x,train,right\nd,y,train,right\ne,x,test,\n".utf8), to: "manifest.csv")
        #expect(try open(folder).separatedGroups == ["left"])
        let images = ImagesConfiguration()
        for split in DatasetSplit.allCases { expectFailure(.badData, ["1 groups", "left"]) { _ = try images.source(at: folder.path, split: split) } }
        expectFailure(.badData, ["left"]) { _ = try images.sources(at: folder.path) }
        expectFailure(.badData, ["left"]) { _ = try UsabilityCheck(images, at: folder.path, split: .train) }
    }

    /// The same file is not to be learnt from and tested on, whatever groups its lines name.
    @Test func aFileThatIsListedAgainStaysWithItself() throws {
        let folder = try TemporaryFolder()
        let named = [3: "one", 4: "two", 9: "two"]
        let lines = (0..<240).map { "\($0 / 3).png,\($0 % 2),\(named[$0] ?? "")" }
        for columns in ["path,label", "path,label,group"] {
            let text = lines.map { columns.hasSuffix("group") ? $0 : String($0[..<$0.lastIndex(of: ",")!]) }
            try folder.write(Array(([columns] + text).joined(separator: "\n").utf8), to: "manifest.csv")
            let found = try open(folder, CollectionOptions(testShare: 0.3))
            let tested = Dictionary(grouping: found.entries, by: \.path).mapValues { Set($0.map(\.split)).count }
            #expect(tested.count == 80 && tested.values.allSatisfy { $0 == 1 } && found.entries.contains { $0.split == .test })
            if columns.hasSuffix("group") { #expect(found.entries[3].split == found.entries[9].split) }
            let images = try FileImages(found, split: .train, settings: FitSettings(size: PixelSize(width: 4, height: 4), channels: .grey))
            let groups = try #require(images.groups)
            let names = try images.names()
            #expect(Dictionary(grouping: groups.indices) { names[$0] }.values.allSatisfy { Set($0.map { groups[$0] }).count == 1 })
        }
        // Where no file is listed again, each stands for itself.
        try folder.write(Array("path,label\na,x\nb,y\nc,x\n".utf8), to: "manifest.csv")
        #expect(try FileImages(open(folder, CollectionOptions(testShare: 0)), split: .train, settings: FitSettings(size: PixelSize(width: 4, height: 4), channels: .grey)).groups == nil)
    }

    @Test func validationRespectsGroups() throws {
        let labels = (0..<200).map { Int32($0 % 2) }
        let groups = (0..<200).map { Int32($0 / 10) }
        let split = try ValidationSplit(labels: labels, groups: groups, fraction: 0.2, seed: 3)
        #expect(Set(split.training.map { groups[$0] }).isDisjoint(with: split.validation.map { groups[$0] }))
        #expect(abs(split.validation.count - 40) <= 10 && split.training.count + split.validation.count == 200)
        expectFailure(.usage, ["one group"]) {
            _ = try ValidationSplit(labels: [0, 0, 0], groups: [1, 1, 1], fraction: 0.9, seed: 0)
        }
    }
}

@Suite("Manifests")
struct ManifestTests {
    private func read(_ text: String, _ name: String = "list.csv") throws -> ImageCollection {
        let folder = try TemporaryFolder()
        try folder.write(Array(text.utf8), to: name)
        return try ImageCollection(at: folder.path + "/" + name, options: CollectionOptions())
    }

    @Test func tablesAsSpreadsheetsWriteThem() throws {
        let found = try read(
            "\u{FEFF}File;Label;split;group;camera;boxes\r\n\"a; \"\"1\"\".png\";dog;train;g1;left;1 2 3 4;\r\n".replacingOccurrences(of: "4;\r", with: "4\r")
                + "\r\nb.png;cat;TEST;;\"two\nlines\";\"1,2,3,4;5,6,7.5,8\"\r\n")
        #expect(found.classNames == ["cat", "dog"])
        #expect(found.entries.map(\.path) == ["a; \"1\".png", "b.png"] && found.entries.map(\.label) == [1, 0])
        #expect(found.entries[0].group == "g1" && found.entries[1].group == nil && found.entries.map(\.split) == [.train, .test])
        #expect(found.entries[0].attributes == ["camera": "left"] && found.entries[1].attributes == ["camera": "two\nlines"])
        #expect(found.entries[0].boxes == [Box(left: 1, top: 2, right: 3, bottom: 4)])
        #expect(found.entries[1].boxes.count == 2 && found.entries[1].boxes[1].right == 7.5)
    }

    @Test func jsonLines() throws {
        let found = try read(
            """
            {"path": "x/1.png", "label": 10, "split": "train", "boxes": [[0, 1, 2, 3]], "lens": 35, "group": null}

            {"file_name": "x/2.png", "label": 9, "split": "test", "salience": "maps/2.png"}
            """, "list.jsonl")
        #expect(found.classNames == ["9", "10"] && found.entries.map(\.label) == [1, 0])
        #expect(found.entries[0].attributes == ["lens": "35"] && found.entries[0].boxes.count == 1)
        #expect(found.entries[1].salience == "maps/2.png" && found.entries[0].group == nil)
    }

    /// The column's own name beats its synonyms, which are kept; case does not count; an empty one leaves its synonym.
    @Test func aNameMeansOneColumn() throws {
        let lines = (0..<20).map { #"{"Path": "\#($0).png", "filename": "x", "category": "y", "LABEL": "z", "Split": "test", "Group": "g", "Lens": {"b": 1, "a": [2]}}"# }
        let found = try read(lines.joined(separator: "\n") + "\n" + #"{"file": "20.png", "label": null, "class": "z", "split": "train", "boxes": [2, 3, 10, 12]}"# + "\n", "list.jsonl")
        #expect(found.entries.map(\.path) == (0...20).map { "\($0).png" } && found.classNames == ["z"])
        #expect(found.entries.dropLast().allSatisfy { $0.split == .test && $0.group == "g" })
        #expect(found.entries.dropLast().allSatisfy { $0.attributes == ["filename": "x", "category": "y", "lens": #"{"a":[2],"b":1}"#] })
        #expect(found.entries[20].split == .train && found.entries[20].boxes == [Box(left: 2, top: 3, right: 10, bottom: 12)])
        let table = try read("filename,category,path,label,,\nx,y,a.png, dog ,,\nx,y,b.png,dog,,\n")
        #expect(table.entries.map(\.path) == ["a.png", "b.png"] && table.classNames == ["dog"])
        #expect(table.entries[0].attributes == ["filename": "x", "category": "y"])
    }

    @Test(arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian]) func wideCharactersAreToldSo(_ encoding: String.Encoding) throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("path,label\na.png,b\n".data(using: encoding)!), to: "list.csv")
        expectFailure(.badData, ["list.csv", "UTF-16", "UTF-8"]) { _ = try ImageCollection(at: folder.path + "/list.csv", options: CollectionOptions()) }
    }

    @Test func oldEncodingsAreUnderstood() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("path,label\n".utf8) + [0xE4] + Array(".png,gr\u{0}n\n".utf8).map { $0 == 0 ? 0xFC : $0 }, to: "list.csv")
        let found = try ImageCollection(at: folder.path + "/list.csv", options: CollectionOptions())
        #expect(found.entries[0].path == "ä.png" && found.classNames == ["grün"])
    }

    @Test func mistakesNameTheLine() {
        let cases: [(String, [String])] = [
            ("file,colour\na,b\n", ["list.csv:1", "label"]), ("path,label\na.png\n", [":2", "1 fields"]), ("path,label\na.png,\n", [":2", "no label"]),
            ("path,label,split\na.png,x,training\nb.png,y,dev\n", [":3", "dev"]), ("path,label\n\"a.png,x\n", [":2", "quote"]),
            ("path,label,boxes\na,b,1 2 1 4\n", [":2", "no box"]), ("path,label,split\na,b,train\nc,d,\n", ["1 of 2 images have no split"]),
            ("", ["list.csv", "empty"]), ("path,label\r\n", ["list.csv", "no line of an image"]),
            ("path,label,Label\na,b,c\n", [":1", "\"label\"", "\"Label\""]), ("File,image,label\na,b,c\n", [":1", "\"File\"", "\"image\"", "path"]),
            ("path,label,lens,lens\na,b,1,2\n", [":1", "lens"]),
        ]
        for (text, fragments) in cases { expectFailure(.badData, fragments) { _ = try read(text) } }
        let objects: [(String, [String])] = [
            (#""label": "b", "class": "c", "category": "d", "Label": "e""#, ["\"Label\"", "\"label\""]), (#""class": "c", "category": "d""#, ["\"category\"", "\"class\""]),
            (#""label": "b", "boxes": [[2, 3, 10, "12"]]"#, ["boxes", "[[2,3,10,\"12\"]]"]), (#""label": "b", "boxes": [{"left": 2}]"#, ["boxes", "left"]),
            (#""label": "b", "boxes": [2, 3, 10]"#, ["no box"]), (#""label": "b", "boxes": {"a": 1}"#, ["boxes"]), (#""label": ["b"]"#, ["label", "[\"b\"]"]),
            (#""label": "b", "group": {"a": 1}"#, ["group"]), (#""label": "b", "split": ["train"]"#, ["split"]), (#""label": "b", "salience": [1]"#, ["salience"]),
            (#""label": "b", "path": ["a"]"#, ["path"]),
        ]
        for (object, fragments) in objects {
            let path = object.contains("path") ? "" : #""path": "a", "#
            expectFailure(.badData, ["list.jsonl:2"] + fragments) { _ = try read("{\"path\": \"x\", \"label\": \"b\"}\n{\(path)\(object)}\n", "list.jsonl") }
        }
        expectFailure(.badData, ["list.jsonl:2", "JSON"]) { _ = try read("{\"path\": \"a\", \"label\": \"b\"}\n{oops}\n", "list.jsonl") }
    }
}
