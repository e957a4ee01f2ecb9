import Diagnostics
import Foundation
import Images
import Salience
import Testing

/// COCO, YOLO, tables.
@Suite struct BoxFormatTests {
    private let square = ["........", ".##.....", ".##.....", "........", "........", "........"]
    private let bar = ["........", "........", "........", ".###....", ".###....", "........"]

    @Test func cocoBoxesPolygonsAndRuns() throws {
        let test = try Annotated("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg", "g.jpg")
        try test.add(
            "coco.json",
            """
            {"annotations": [
              {"id": 1, "image_id": "10", "category_id": 1, "bbox": [1, 1, 2, 2]},
              {"id": 2, "image_id": 11, "category_id": 90, "bbox": [0, 0, 8, 6], "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
              {"id": 3, "image_id": 12, "category_id": 1, "segmentation": [1, 1, 3, 1, 3, 3, 1, 3]},
              {"id": 4, "image_id": 13, "category_id": 1, "iscrowd": 1, "segmentation": {"size": [6, 8], "counts": [9, 2, 4, 2, 4, 2, 25]}},
              {"id": 5, "image_id": 14, "category_id": 1, "segmentation": {"size": [6, 8], "counts": "924000e0"}},
              {"id": 6, "image_id": 99, "category_id": 1, "bbox": [1, 1, 2, 2]}
            ],
            "info": {"a": [1, "]}"]}, "images": [
              {"id": 10, "file_name": "sub/a.jpg", "width": 8, "height": 6}, {"id": 11, "file_name": "b.jpg", "width": 8, "height": 6},
              {"id": 12, "file_name": "c.jpg", "width": 8, "height": 6}, {"id": 13, "file_name": "d.jpg"}, {"id": 14, "file_name": "e.jpg"},
              {"id": 15, "file_name": "f.jpg", "width": 8, "height": 6}
            ],
            "categories": [{"id": 1, "name": "cat"}, {"id": 90, "name": "dog"}]}
            """)
        let report = try test.imported(.coco, "coco.json")
        for index in 0..<3 { #expect(try test.picture(index) == square) }
        for index in 3..<5 { #expect(try test.picture(index) == bar, "\(index)") }
        #expect(try test.states() == [.map, .map, .map, .map, .map, .empty, .unseen])
        #expect(report.labels.map { "\($0.name) \($0.count)" } == ["cat 4", "dog 1"])
        #expect(report.text.contains("1 annotations name an image that is not in images"))
        #expect(try test.source().origins[0].fileHash?.count == 64)
        try test.imported(.coco, "coco.json", labels: ["dog"])
        #expect(try test.states() == [.empty, .map, .empty, .empty, .empty, .empty, .unseen])
    }

    @Test func cocoAnnotationsWithoutAnAreaConfirmNothing() throws {
        let test = try Annotated("a.jpg", "b.jpg", "c.jpg", "d.jpg")
        let images = (0..<4).map { #"{"id": \#($0), "file_name": "\#(["a", "b", "c", "d"][$0]).jpg", "width": 8, "height": 6}"# }.joined(separator: ", ")
        let annotations = #"{"image_id": 0, "category_id": 1}, {"image_id": 1, "bbox": [1, 1, 0, 2]}, {"image_id": 2, "bbox": [4, 4, -2, -2]}"#
        try test.add("coco.json", "{\"images\": [\(images)], \"annotations\": [\(annotations)]}")
        let report = try test.imported(.coco, "coco.json")
        #expect(try test.states() == [.unseen, .unseen, .unseen, .empty] && report.unusable.count == 3 && report.droppedShapes == 2)
    }

    @Test(arguments: [
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "bbox": [1, 2, 3]}]}"#, "annotations[0]"),
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "segmentation": {"size": [6, 8], "counts": [1, 2]}}]}"#, "do not add up"),
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "segmentation": {"size": [6, 8], "counts": "9 é"}}]}"#, "damaged"),
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "segmentation": {"size": [1000000, 1000000], "counts": [1]}}]}"#, "1000000×1000000"),
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "segmentation": {"size": [3, 4], "counts": [6, 6]}}]}"#, "4×3"),
        (#"{"images": [{"id": 1}]}"#, "file_name is missing"), (#"[{"image_id": 1, "score": 0.5}]"#, "holds no images"), (#"{"images": [{"id": 1,"#, "cut short"),
        (#"{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}]}"#, "twice"),
    ])
    func whatIsNoCOCOIsNamed(text: String, expected: String) throws {
        let test = try Annotated("a.jpg")
        try test.add("coco.json", text)
        let found = try #require(failure { try test.imported(.coco, "coco.json") }, "accepted \(text)")
        #expect(found.kind == .badData && found.message.contains(expected) && found.remedy != nil, "\(found)")
    }

    @Test func yolo() throws {
        let test = try Annotated("images/a.jpg", "images/b.jpg", "images/c.jpg", "images/d.jpg")
        try test.add("data.yaml", "train: images\nnc: 2\nnames:\n  0: hole\n  1: 'scratch, long'\n")
        try test.add("labels/a.txt", "0 0.5 0.5 0.5 0.333333\n\n")
        try test.add("labels/b.txt", "1 0.125 0.1666667 0.375 0.1666667 0.375 0.5 0.125 0.5\r\n")
        try test.add("labels/c.txt", "")
        let report = try test.imported(.yolo, "labels")
        #expect(try test.picture(0) == ["........", "........", "..####..", "..####..", "........", "........"])
        #expect(try test.picture(1) == square)
        #expect(try test.states() == [.map, .map, .empty, .unseen])
        #expect(report.labels.map(\.name) == ["hole", "scratch, long"])
        try test.add("labels/a.txt", "0 4 3 4 2\n")
        #expect(failure { try test.imported(.yolo, "labels") }?.message.contains("a.txt:1: 4.0 is no share") == true)
        try test.add("labels/a.txt", "0 0.5 0.5\n")
        #expect(failure { try test.imported(.yolo, "labels") }?.message.contains("3 columns") == true)
    }

    /// As Windows writes them: three lines are not one polygon of seven corners, and the first name has no byte order mark.
    @Test(arguments: ["\n", "\r\n", "\r"]) func yoloInAllLineEndings(end: String) throws {
        let test = try Annotated("a.jpg")
        try test.add("labels/classes.txt", "\u{FEFF}hole\(end)scratch\(end)")
        try test.add("labels/a.txt", "\u{FEFF}0 0.25 0.333333 0.25 0.333333\(end)1 0.6875 0.0833333 0.125 0.1666667\(end)0 0.9375 0.9166667 0.125 0.1666667\(end)")
        let report = try test.imported(.yolo, "labels")
        #expect(try test.picture() == [".....#..", ".##.....", ".##.....", "........", "........", ".......#"])
        #expect(report.labels.map { "\($0.name) \($0.count)" } == ["hole 2", "scratch 1"])
        try test.add("labels/data.yaml", "\u{FEFF}names:\(end)  0: dent\(end)  1: crack\(end)")
        #expect(try test.imported(.yolo, "labels").labels.map(\.name) == ["dent", "crack"])
        try test.add("labels/a.txt", "0 0.5 0.5 0.5 0.5\(end)0 0.5\(end)")
        #expect(failure { try test.imported(.yolo, "labels") }?.message.contains("a.txt:2") == true)
    }

    @Test(arguments: ["names: [hole, 'scratch']", "names:\n- hole\n- \"scratch\"\nnc: 2", "names:\n    0: hole\n    1: scratch\n", "names: {0: hole, 1: scratch}"])
    func namesOfYOLOClasses(yaml: String) throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("data.yaml", yaml)
        try test.add("labels/train/a.txt", "1 0.5 0.5 0.5 0.5")
        try test.add("labels/train/b.txt", "0 0.5 0.5 0.5 0.5")
        #expect(try test.imported(.yolo, "labels/train").labels.map(\.name) == ["hole", "scratch"])
    }

    @Test func tables() throws {
        let test = try Annotated("a.jpg", "b.jpg", "c.jpg")
        try test.add("boxes.csv", "\u{FEFF}FileName;xmin;ymin;xmax;ymax;Class\r\na.jpg;1;1;3;3;x\r\na.jpg;5;0;6;1;y\r\nb.jpg;;;;;\r\n")
        let report = try test.imported(.csv, "boxes.csv")
        #expect(try test.picture() == [".....#..", ".##.....", ".##.....", "........", "........", "........"])
        #expect(try test.states() == [.map, .empty, .unseen] && report.labels.map(\.name) == ["x", "y"])
        try test.add("boxes.csv", "path,xmin,ymin,xmax\na,1,1,3\n")
        #expect(failure { try test.imported(.csv, "boxes.csv") }?.message.contains("no column ymax") == true)
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax\na,1,1,3,x\n")
        #expect(failure { try test.imported(.csv, "boxes.csv") }?.message.contains("boxes.csv:2") == true)
    }

    /// One element that cannot be read is left out where that is asked for; its image is not seen empty for that.
    @Test func badElementsAreLeftOut() throws {
        var test = try Annotated("a.jpg", "b.jpg", "c.jpg")
        try test.add(
            "coco.json",
            """
            {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}, {"id": 3, "file_name": "c.jpg"}, {"id": 4}], "annotations": [
              {"image_id": 1, "bbox": [1, 1, 2, 2], "segmentation": [[]]}, {"image_id": 2, "bbox": [1, 2, 3]}, {"image_id": 1, "bbox": "none"}]}
            """)
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax\na.jpg,1,1,3,3\na.jpg,2\nb.jpg,1,1,nan,3\nc.jpg,,,,\n")
        try test.add("annotations.xml", "<annotations><image name=\"a.jpg\"><box xtl=\"1\" ytl=\"1\" xbr=\"3\" ybr=\"3\"/></image><image name=\"b.jpg\"><box xtl=\"1\"/></image><image name=\"c.jpg\"/></annotations>")
        try test.add("tasks.json", #"[{"data": {"image": "a.jpg"}, "annotations": [{"result": []}]}, {"data": {}}]"#)
        let files: [(AnnotationFormat, String)] = [(.coco, "coco.json"), (.csv, "boxes.csv"), (.cvat, "annotations.xml"), (.labelstudio, "tasks.json")]
        for (format, name) in files { #expect(failure { try test.imported(format, name) }?.kind == .badData, "\(name)") }
        test.options.skipsBadFiles = true
        for ((format, name), skipped) in zip(files, [3, 2, 1, 1]) {
            let report = try test.imported(format, name)
            #expect(report.skipped.count == skipped, "\(name): \(report.skipped)")
            guard format != .labelstudio else { continue }
            #expect(try test.picture() == square && test.states() == [.map, .unseen, .empty], "\(name)")
        }
    }

    /// Text that is not UTF-8 would come out garbled, and labels alike.
    @Test func textThatIsNotUTF8IsRefused() throws {
        let test = try Annotated("a.jpg")
        func refused(_ format: AnnotationFormat, _ name: String, _ text: String, _ encoding: String.Encoding, _ word: String) throws {
            try test.add(name, Array(try #require(text.data(using: encoding))))
            let found = try #require(failure { try test.imported(format, format == .labelme ? "" : name) }, "accepted \(name)")
            #expect(found.kind == .badData && found.message.contains(word) && found.remedy?.contains("UTF-8") == true, "\(found)")
        }
        let coco = #"{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "caf\#u{E9}"}]}"#
        for (encoding, word) in [(String.Encoding.isoLatin1, "not UTF-8"), (String.Encoding.utf16, "UTF-16")] {
            try refused(.coco, "coco.json", coco, encoding, word)
            try refused(.csv, "boxes.csv", "path,xmin,ymin,xmax,ymax,label\na.jpg,1,1,2,2,caf\u{E9}\n", encoding, word)
            try refused(.yolo, "a.txt", "0 0.5 0.5 0.5 0.5\n\u{E9}", encoding, word)
            try refused(.labelme, "a.json", #"{"shapes": [{"label": "\#u{E9}", "points": []}]}"#, encoding, word)
        }
    }

    /// Names of labels are in quotes, and an empty one is none.
    @Test func unknownLabelsAreNamedWithTheKnownOnes() throws {
        let test = try Annotated("a.jpg")
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax,label\na.jpg,1,1,3,3,\na.jpg,1,1,3,3,a\n")
        let found = try #require(failure { try test.imported(.csv, "boxes.csv", labels: ["a", "zz"]) })
        #expect(found.kind == .usage && found.message.contains("\"zz\"") && found.remedy?.contains("there are: \"a\"; 1 shapes have none") == true, "\(found)")
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax\na.jpg,1,1,3,3\n")
        #expect(failure { try test.imported(.csv, "boxes.csv", labels: ["a"]) }?.remedy == "no shape has one")
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax\na.jpg,nan,nan,1,2\n")
        #expect(failure { try test.imported(.csv, "boxes.csv") }?.message.contains("\"nan\", \"nan\", \"1\", \"2\" is no box") == true)
    }

    /// Open Images has shares of the image's size, as have some other tables; a number above 1 shows that they are pixels.
    @Test(arguments: [
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,xclick,/m/01,1,0.125,0.375,0.1666667,0.5\n",
        "path,xmin,ymin,xmax,ymax\na.jpg,0.125,0.1666667,0.375,0.5\nb.jpg,,,,\n",
    ])
    func tablesOfShares(text: String) throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("boxes.csv", text)
        let report = try test.imported(.csv, "boxes.csv")
        #expect(try test.picture() == square && report.text.contains("shares of the image's width and height"))
        #expect(try test.source().origins[0].settings?["convention"] == .text("relative"))
        var stated = test
        stated.options.convention = .zeroBased
        #expect(try !stated.imported(.csv, "boxes.csv").text.contains("shares of"))
        try test.add("boxes.csv", "ImageID,LabelName,XMin,XMax,YMin,YMax\na,x,0,1,0,1\n")
        try test.imported(.csv, "boxes.csv")
        #expect(try test.picture() == [String](repeating: "########", count: 6))
        try test.add("boxes.csv", "path,xmin,ymin,xmax,ymax\na.jpg,0,0,1,1\nb.jpg,0.5,0.5,2.5,1.5\n")
        try test.imported(.csv, "boxes.csv")
        #expect(try test.picture()[0] == "#.......")
    }

    /// Lines in another order than the images.
    @Test func cub() throws {
        let test = try Annotated("001.Albatross/a_1.jpg", "002.Wren/b_1.jpg", "002.Wren/c.jpg")
        try test.add("images.txt", "\u{FEFF}1 001.Albatross/a_1.jpg\r\n7 002.Wren/b_1.jpg\r\n9 002.Wren/c.jpg\r\n")
        try test.add("bounding_boxes.txt", "7 1.0 3.0 3.0 2.0\n1 1.0 1.0 2.0 2.0\n")
        try test.add("image_class_labels.txt", "1 1\n7 2\n9 2\n")
        try test.add("classes.txt", "1 001.Albatross\n2 002.Wren\n")
        let report = try test.imported(.cub)
        #expect(try test.picture(0) == square && test.picture(1) == bar)
        #expect(try test.states() == [.map, .map, .unseen] && report.labels.map(\.name) == ["001.Albatross", "002.Wren"])
        try test.add("bounding_boxes.txt", "8 1.0 3.0 3.0 2.0\n")
        #expect(failure { try test.imported(.cub) }?.message.contains("bounding_boxes.txt:1") == true)
    }
}
