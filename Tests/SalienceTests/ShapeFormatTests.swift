import Diagnostics
import Foundation
import Images
import Salience
import Testing

/// CVAT, Label Studio, LabelMe, masks.
@Suite struct ShapeFormatTests {
    private let corner = ["........", "...##...", "..#.....", "........", "........", "........"]
    private let column = ["........", "...#....", "...#....", "...#....", "...#....", "........"]

    @Test func cvat() throws {
        let test = try Annotated("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
        try test.add(
            "annotations.xml",
            """
            <?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>
            <image id="0" name="sub/a.jpg" width="8" height="6"><box label="x" xtl="1.00" ytl="2" xbr="5" ybr="4" rotation="90" occluded="0"/></image>
            <image id="1" name="b.jpg" width="8" height="6"><mask label="x" rle="1, 3, 2" left="2" top="1" width="3" height="2"></mask></image>
            <image id="2" name="c.jpg" width="8" height="6"><polygon label="y" points="1,1;3.00,1;3,3;1,3"><attribute name="z">1</attribute></polygon><points label="x" points="1,1"/></image>
            <image id="3" name="d.jpg" width="8" height="6"></image>
            </annotations>
            """)
        let report = try test.imported(.cvat, "annotations.xml")
        #expect(try test.picture(0) == ["........", "..##....", "..##....", "..##....", "..##....", "........"])
        #expect(try test.picture(1) == corner)
        #expect(try test.picture(2) == ["........", ".##.....", ".##.....", "........", "........", "........"])
        #expect(try test.states() == [.map, .map, .map, .empty, .unseen])
        #expect(report.text.contains("1 shapes of kind points are left out"))
        for (text, expected) in [
            ("<annotations><track id=\"0\" label=\"x\"><box frame=\"0\" xtl=\"1\" ytl=\"1\" xbr=\"2\" ybr=\"2\"/></track></annotations>", "1 tracks of a video"),
            ("<annotations><image name=\"a.jpg\"><box xtl=\"1\" ytl=\"1\" xbr=\"2\"/></image></annotations>", "ybr is missing"),
            ("<annotations><image name=\"a.jpg\"><mask rle=\"1,2\" left=\"0\" top=\"0\" width=\"3\" height=\"2\"/></image></annotations>", "do not add up"),
            ("<annotations><image name=\"a.jpg\"><polygon points=\"1,2;3\"/></image></annotations>", "points hold"), ("<annotation/>", "expected <annotations>"),
        ] {
            try test.add("annotations.xml", text)
            let found = try #require(failure { try test.imported(.cvat, "annotations.xml") }, "accepted \(text)")
            #expect(found.kind == .badData && found.message.contains(expected), "\(found)")
        }
    }

    /// A bit stream as Label Studio's brush writes it: runs and single values by turns.
    private func brush(_ rows: [String]) -> [UInt8] {
        var bits: [UInt8] = []
        func add(_ value: Int, _ count: Int) { for bit in (0..<count).reversed() { bits.append(UInt8(value >> bit & 1)) } }
        let values = rows.joined().flatMap { $0 == "#" ? [10, 20, 30, 255] : [0, 0, 0, 0] }
        add(values.count, 32)
        add(7, 5)
        for size in [3, 4, 8, 16] { add(size - 1, 4) }
        var place = 0
        while place < values.count {
            var end = place
            while end < values.count, values[end] == values[place] { end += 1 }
            if end - place >= 4 {
                add(1, 1)
                add(2, 2)
                add(end - place - 1, 8)
                add(values[place], 8)
            } else {
                end = min(values.count, place + 4)
                add(0, 1)
                add(1, 2)
                add(end - place - 1, 4)
                for value in values[place..<end] { add(value, 8) }
            }
            place = end
        }
        return stride(from: 0, to: bits.count, by: 8).map { start in (0..<8).reduce(0) { $0 << 1 | (start + $1 < bits.count ? bits[start + $1] : 0) } }
    }

    @Test func labelStudio() throws {
        let test = try Annotated("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg")
        let size = "\"original_width\": 8, \"original_height\": 6"
        let rectangle = "{\"type\": \"rectanglelabels\", \(size), \"value\": {\"x\": 50, \"y\": 16.666666666666668, \"width\": 50, \"height\": 16.666666666666668, \"rotation\": 90, \"rectanglelabels\": [\"x\"]}}"
        try test.add(
            "tasks.json",
            """
            [{"id": 1, "data": {"image": "/data/upload/3/0a1b2c3d-a.jpg", "n": 5}, "annotations": [{"was_cancelled": false, "result": [\(rectangle)]}], "predictions": []},
             {"id": 2, "data": {"image": "/data/local-files/?d=sub%2Fb.jpg"}, "annotations": [{"result": [{"type": "brushlabels", \(size), "value": {"format": "rle", "rle": \(brush(corner)), "brushlabels": ["x"]}}]}]},
             {"id": 3, "data": {"image": "s3://bucket/c.jpg"}, "annotations": [{"was_cancelled": true, "result": [\(rectangle)]}], "predictions": [{"result": [\(rectangle)]}]},
             {"id": 4, "data": {"image": "d.jpg"}, "annotations": [{"result": [{"type": "choices", "value": {"choices": ["good"]}}]}]},
             {"id": 5, "data": {"image": "e.jpg"}, "annotations": [{"result": [{"type": "polygonlabels", \(size), "value": {"points": [[12.5, 16.666666666666668], [37.5, 16.666666666666668], [37.5, 50], [12.5, 50]], "polygonlabels": ["y"]}},
                                                                              {"type": "keypointlabels", \(size), "value": {"x": 1, "y": 1}}]}]}]
            """)
        let report = try test.imported(.labelstudio, "tasks.json")
        #expect(try test.picture(0) == column)
        #expect(try test.picture(1) == corner)
        #expect(try test.picture(4) == ["........", ".##.....", ".##.....", "........", "........", "........"])
        #expect(try test.states() == [.map, .map, .unseen, .unseen, .map, .unseen] && report.unusable.first == ["d.jpg"])
        #expect(report.text.contains("1 results of type choices") && report.text.contains("1 cancelled") && report.text.contains("1 predictions are skipped") && report.text.contains("results of type keypointlabels"))
        var guessed = test
        guessed.options.takesPredictions = true
        try guessed.imported(.labelstudio, "tasks.json")
        #expect(try guessed.states()[2] == .map && guessed.source().origins.last?.settings?["predictions"] == .flag(true))
        try test.add("tasks.json", "[{\"data\": {\"image\": \"b.jpg\"}, \"annotations\": [{\"result\": [{\"type\": \"brushlabels\", \(size), \"value\": {\"rle\": \(Array(brush(corner).prefix(12)))}}]}]}]")
        #expect(failure { try test.imported(.labelstudio, "tasks.json") }?.message.contains("brush mask is damaged") == true)
        try test.add("tasks.json", "{\"image\": \"b.jpg\"}")
        #expect(failure { try test.imported(.labelstudio, "tasks.json") }?.message.contains("outermost value") == true)
    }

    @Test func labelMe() throws {
        let test = try Annotated("sub/a.jpg", "b.jpg", "c.jpg", "d.jpg")
        let mask = try Image(size: PixelSize(width: 3, height: 2), channels: .grey, pixels: [0, 1, 1, 1, 0, 0]).encodedAsPNG()
        func file(_ shapes: String) -> String { "{\"version\": \"5.5\", \"shapes\": [\(shapes)], \"imagePath\": \"..\\\\stale\\\\x.jpg\", \"imageData\": null, \"imageHeight\": 6, \"imageWidth\": 8}" }
        try test.add("a.json", file("{\"label\": \"x\", \"points\": [[3, 3.0], [1, 1]], \"shape_type\": \"rectangle\"}, {\"label\": \"l\", \"points\": [[1, 1], [2, 2]], \"shape_type\": \"line\"}"))
        try test.add("b.json", file("{\"label\": \"x\", \"points\": [[2, 1], [4, 2]], \"shape_type\": \"mask\", \"mask\": \"\(Data(mask).base64EncodedString())\"}"))
        try test.add("c.json", file("{\"label\": 7, \"points\": [[4, 3], [6, 3]], \"shape_type\": \"circle\"}"))
        try test.add("d.json", file(""))
        let report = try test.imported(.labelme)
        #expect(try test.picture(0) == ["........", ".##.....", ".##.....", "........", "........", "........"])
        #expect(try test.picture(1) == corner)
        // Radius 2 about (4, 3).
        let circle = try test.picture(2)
        #expect(circle[0] == "........" && circle[2].hasPrefix("..") && Array(circle[2])[3...4] == ["#", "#"] && circle[1] == circle[4] && circle[2] == circle[3])
        #expect(try test.states() == [.map, .map, .map, .empty] && report.labels.map(\.name) == ["x", "7"] && report.text.contains("1 shapes of kind line"))
        #expect(abs(report.classes[0].sum * 48 - (4 + 3 + 4 * .pi)) < 0.2)
        try test.add("a.json", file("{\"label\": \"x\", \"points\": [[3, 3.0]], \"shape_type\": \"circle\"}"))
        #expect(failure { try test.imported(.labelme) }?.message.contains("a.json, shapes[0]: a circle of 1 points") == true)
    }

    /// Shapes that have no area, and what is said of whole images, leave an image unseen: nobody said that there is nothing.
    @Test func whatCannotBeUsedIsNotConfirmedEmpty() throws {
        let cvat = try Annotated("a.jpg", "b.jpg", "c.jpg", "d.jpg")
        try cvat.add(
            "annotations.xml",
            """
            <annotations>
            <image id="0" name="a.jpg" width="8" height="6"><polyline label="x" points="1,1;3,3"/></image>
            <image id="1" name="b.jpg" width="8" height="6"><tag label="good"/></image>
            <image id="2" name="c.jpg" width="8" height="6"></image>
            <image id="3" name="d.jpg" width="8" height="6"><points label="x" points="1,1"/><box label="y" xtl="1" ytl="1" xbr="3" ybr="3"/></image>
            </annotations>
            """)
        let report = try cvat.imported(.cvat, "annotations.xml")
        #expect(try cvat.states() == [.unseen, .unseen, .empty, .map])
        #expect(report.unusable.count == 2 && report.text.contains("2 images are annotated") && report.counts.unseen == 2)
        #expect(try cvat.records()[0].remarks == ["1 shapes of kind polyline left out", "annotated, but nothing of it can be used"])
        let me = try Annotated("a.jpg")
        try me.add("a.json", "{\"shapes\": [{\"label\": \"x\", \"points\": [[1, 1]], \"shape_type\": \"point\"}], \"imageHeight\": 6, \"imageWidth\": 8}")
        try me.imported(.labelme)
        #expect(try me.states() == [.unseen])
        let studio = try Annotated("a.jpg", "b.jpg", "c.jpg")
        func task(_ name: String, _ results: String) -> String { "{\"data\": {\"image\": \"\(name)\"}, \"annotations\": [{\"result\": [\(results)]}]}" }
        let point = "{\"type\": \"keypointlabels\", \"value\": {\"x\": 1, \"y\": 1}}"
        try studio.add("tasks.json", "[\(task("a.jpg", point)), \(task("b.jpg", "{\"type\": \"labels\", \"value\": {\"labels\": [\"x\"]}}")), \(task("c.jpg", ""))]")
        try studio.imported(.labelstudio, "tasks.json")
        #expect(try studio.states() == [.unseen, .unseen, .empty])
    }

    private func masks(_ file: String, labels: Set<String>? = nil, inverted: Bool = false) throws -> (Annotated, ImportReport) {
        var test = try Annotated("class/a.jpg", stored: PixelSize(width: 4, height: 3))
        test.size = PixelSize(width: 4, height: 3)
        test.options.invertsMasks = inverted
        try test.add("class/a.png", try bytes(of: fixtures + "/" + file))
        return (test, try test.imported(.png, labels: labels))
    }

    @Test func masksInAllWaysOfSavingThem() throws {
        let plain = [".##.", "..#.", "...."]
        #expect(try masks("mask-one-bit.png").0.picture() == plain)
        #expect(try masks("mask-alpha.png").0.picture() == plain)
        #expect(try masks("mask-grey.png").0.picture() == [".##2", "..#.", "...."])
        #expect(try masks("mask-sixteen-bit.png").0.picture() == [".#2.", "....", "...."])
        let (zeroOne, report) = try masks("mask-zero-one.png")
        #expect(try zeroOne.picture() == plain && zeroOne.records()[0].remarks?.first?.contains("0 and 1") == true && report.text.contains("values 0 and 1"))
        #expect(try masks("mask-palette.png").0.picture() == plain)
        #expect(try masks("mask-palette.png", labels: ["2", "255"]).0.picture() == ["..##", "..##", "...."])
        #expect(try masks("mask-one-bit.png", inverted: true).0.picture() == ["#..#", "##.#", "####"])
        #expect(failure { _ = try masks("mask-colour.png") }?.message.contains("in colours") == true)
        #expect(failure { _ = try masks("mask-palette.png", labels: ["cat"]) }?.kind == .usage)
    }

    /// Black and opaque everywhere, as editors save it: nothing is marked.
    @Test func anOpaqueBlackMaskIsEmpty() throws {
        #expect(try masks("mask-opaque.png").0.states() == [.empty])
        #expect(try masks("mask-opaque.png", inverted: true).0.picture() == ["####", "####", "####"])
    }

    /// A palette that begins with white shows a mask too: its shades count, not its indices.
    @Test func greyPalettesAreTakenByTheirShades() throws {
        #expect(try masks("mask-white-first.png").0.picture() == [".##.", "..#.", "...."])
        #expect(try masks("mask-white-first.png", labels: ["1"]).0.picture() == ["#..#", "##.#", "####"])
        #expect(try masks("mask-grey-palette.png").0.picture() == [".##2", "..#.", "...."])
    }

    @Test func masksOfAnotherSizeAreAnErrorWithBoth() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.png", try bytes(of: fixtures + "/mask-grey.png"))
        let found = try #require(failure { try test.imported(.png) })
        #expect(found.message.contains("4×3") && found.message.contains("8×6"), "\(found)")
        try test.add("a.png", [0xFF, 0xD8, 0xFF, 0xE0])
        #expect(failure { try test.imported(.png) }?.remedy?.contains("JPEG") == true)
        try test.add("a.png", try Image(size: PixelSize(width: 8, height: 6), channels: .grey, pixels: [UInt8](repeating: 0, count: 48)).encodedAsPNG())
        let report = try test.imported(.png)
        #expect(try test.states() == [.empty, .unseen] && report.unusable.count == 0)
    }

    /// A mask of the stored pixels of an image that lies on its side.
    @Test func masksAreTurnedWithTheirImage() throws {
        let test = try Annotated("a.jpg", orientation: .quarterTurn, stored: PixelSize(width: 6, height: 8))
        var pixels = [UInt8](repeating: 0, count: 48)
        for (x, y) in [(1, 0), (2, 0), (1, 1), (2, 1)] { pixels[y * 6 + x] = 255 }
        try test.add("a.png", try Image(size: PixelSize(width: 6, height: 8), channels: .grey, pixels: pixels).encodedAsPNG())
        try test.imported(.png)
        #expect(try test.picture() == ["........", "......##", "......##", "........", "........", "........"])
    }
}
