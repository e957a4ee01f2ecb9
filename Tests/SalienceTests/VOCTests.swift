import Diagnostics
import Foundation
import Images
import Salience
import Testing

@Suite struct VOCTests {
    private func xml(_ boxes: [(String, String)], size: (Int, Int) = (8, 6), name: String = "wrong.png") -> String {
        """
        <?xml version="1.0"?>
        <!-- by hand -->
        <annotation verified="yes"><folder>x</folder><filename>\(name)</filename><path>C:\\data\\\(name)</path>
        <size><width>\(size.0)</width><height>\(size.1)</height><depth>1</depth></size>

        """
            + boxes.map { label, numbers in
                let parts = numbers.split(separator: " ")
                return "<object><name>\(label)</name><difficult>0</difficult><bndbox><xmin>\(parts[0])</xmin><ymin>\(parts[1])</ymin><xmax>\(parts[2])</xmax><ymax>\(parts[3])</ymax></bndbox></object>\n"
            }.joined() + "</annotation>\n"
    }

    @Test func pixelsAreCountedFromOneAndBothCornersAreInside() throws {
        let test = try Annotated("images/a.jpg", "images/b.jpg", "images/c.jpg")
        try test.add("deep/a.xml", xml([("scratch", "2 2 4 3"), ("dent &amp; hole", "8 6 8 6")]))
        try test.add("b.xml", xml([], size: (0, 0)))
        let report = try test.imported(.voc)
        #expect(try test.picture() == ["........", ".###....", ".###....", "........", "........", ".......#"])
        #expect(try test.states() == [.map, .empty, .unseen])
        #expect(report.matched == 2 && report.unmatchedImages.first == ["images/c.jpg"] && report.clippedShapes == 0)
        #expect(report.labels.map(\.name) == ["dent & hole", "scratch"] && report.text.contains("counted from 1"))
        #expect(abs(report.classes[0].mean - 7.0 / 48) < 1e-9)
        let record = try test.records()[0]
        #expect(record.file == "deep/a.xml" && record.fileHash?.count == 64 && record.image == "images/a.jpg")
    }

    /// A zero or a fraction anywhere shows that a tool counted from 0.
    @Test(arguments: ["0 0 1 1", "1.5 1 2.5 2"]) func theSetIsReadOneWay(other: String) throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.xml", xml([("x", "2 2 4 3")]))
        try test.add("b.xml", xml([("x", other)]))
        let report = try test.imported(.voc)
        #expect(try test.picture() == ["........", "........", "..##....", "........", "........", "........"])
        #expect(report.text.contains("counted from 0"))
        var stated = test
        stated.options.convention = .oneBased
        try stated.imported(.voc)
        #expect(try stated.picture() == ["........", ".###....", ".###....", "........", "........", "........"])
    }

    @Test func whatReachesBeyondTheImageIsClippedAndCounted() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.xml", xml([("x", "7 5 12 9"), ("x", "20 20 30 30")]))
        try test.add("b.xml", xml([("x", "5 5 4 4")]))
        let report = try test.imported(.voc)
        #expect(try test.picture() == ["........", "........", "........", "........", "......##", "......##"])
        #expect(report.clippedShapes == 1 && report.droppedShapes == 2 && report.unusable.first == ["b.jpg"])
        #expect(try test.states() == [.map, .unseen])
        #expect(try test.records()[1].remarks?.last == "annotated, but nothing of it can be used")
        #expect(report.text.contains("WARNING: 1 images are annotated"))
    }

    @Test func labelsAreChosen() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.xml", xml([("x", "1 1 1 1"), ("y", "3 1 3 1")]))
        try test.add("b.xml", xml([("y", "3 1 3 1")]))
        let report = try test.imported(.voc, labels: ["x"])
        #expect(try test.picture()[0] == "#.......")
        #expect(try test.states() == [.map, .empty])
        #expect(report.labels.filter { !$0.isChosen }.map(\.count) == [2] && report.unusable.count == 0)
        let found = try #require(failure { try test.imported(.voc, labels: ["z"]) })
        #expect(found.kind == .usage && found.message.contains("\"z\"") && found.remedy?.contains("\"x\", \"y\"") == true, "\(found)")
        #expect(try test.source().origins[0].settings?["labels"] == .text("x"))
    }

    @Test func anotherSizeIsAnErrorWithBoth() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.xml", xml([("x", "1 1 2 2")], size: (16, 12)))
        try test.add("b.xml", xml([("x", "1 1 2 2")]))
        let found = try #require(failure { try test.imported(.voc) })
        #expect(found.kind == .badData && found.message.contains("16×12") && found.message.contains("8×6") && found.message.contains("a.jpg"), "\(found)")
        var lenient = test
        lenient.options.skipsBadFiles = true
        let report = try lenient.imported(.voc)
        #expect(report.skipped.count == 1 && report.text.contains("left out: a.jpg"))
        #expect(try lenient.states() == [.unseen, .map])
    }

    /// The image lies on its side in the file, 6×8, and is shown as 8×6.
    @Test func annotationsOfTheStoredImageAreTurnedWithIt() throws {
        let test = try Annotated("a.jpg", "b.jpg", orientation: .quarterTurn, stored: PixelSize(width: 6, height: 8))
        try test.add("a.xml", xml([("x", "2 1 3 2")], size: (6, 8)))
        try test.add("b.xml", xml([("x", "2 1 3 2")], size: (8, 6)))
        try test.imported(.voc)
        #expect(try test.picture(0) == ["........", "......##", "......##", "........", "........", "........"])
        #expect(try test.picture(1) == [".##.....", ".##.....", "........", "........", "........", "........"])
    }

    /// Without a size nothing tells of which pixels the numbers are: the upright ones, with a note, unless somebody says so.
    @Test func annotationsWithoutASizeOfATurnedImage() throws {
        let test = try Annotated("a.jpg", "b.jpg", orientation: .quarterTurn, stored: PixelSize(width: 6, height: 8))
        try test.add("a.xml", xml([("x", "2 1 3 2")], size: (0, 0)))
        try test.add("b.xml", xml([("x", "2 5 3 8")], size: (0, 0)))
        let report = try test.imported(.voc)
        #expect(try test.picture(0) == [".##.....", ".##.....", "........", "........", "........", "........"])
        #expect(report.unsized.count == 2 && report.sideways.first == ["b.jpg"] && report.text.contains("--orientation stored: b.jpg"))
        #expect(try test.records()[0].remarks?.first?.contains("no size stated") == true)
        var stated = test
        stated.options.frame = .stored
        let second = try stated.imported(.voc)
        #expect(try test.picture(0) == ["........", "......##", "......##", "........", "........", "........"])
        #expect(second.unsized.count == 0 && second.sideways.count == 0 && second.clippedShapes == 0)
        #expect(try test.source().origins.last?.settings?["orientation"] == .text("stored"))
    }

    /// The four orientations that a size tells: a box that is given in the file's pixels comes to lie where it is seen.
    @Test(arguments: [Orientation.transposed, .quarterTurn, .antiTransposed, .quarterTurnBack]) func everyTurnComesOutRight(orientation: Orientation) throws {
        let test = try Annotated("a.jpg", orientation: orientation, stored: PixelSize(width: 6, height: 8))
        // Where (x, y) of the upright 8×6 pixels is among the 6×8 stored ones (EXIF 2.32, 4.6.4 A).
        func stored(_ x: Int, _ y: Int) -> (Int, Int) {
            switch orientation {
            case .transposed: (y, x)
            case .quarterTurn: (y, 8 - x)
            case .antiTransposed: (6 - y, 8 - x)
            default: (6 - y, x)
            }
        }
        let (a, b) = (stored(1, 2), stored(4, 4))
        let box = "\(min(a.0, b.0) + 1) \(min(a.1, b.1) + 1) \(max(a.0, b.0)) \(max(a.1, b.1))"
        try test.add("a.xml", xml([("x", box)], size: (6, 8)))
        try test.imported(.voc)
        #expect(try test.picture() == ["........", "........", ".###....", ".###....", "........", "........"])
    }

    @Test func mapsAreDrawnAtTheSizeOfTraining() throws {
        var test = try Annotated("a.jpg")
        test.size = PixelSize(width: 4, height: 3)
        try test.add("a.xml", xml([("x", "1 1 3 2")]))
        try test.imported(.voc)
        #expect(try test.picture() == ["#5..", "....", "...."])
    }

    @Test func namesInAnotherNormalForm() throws {
        let test = try Annotated("caf\u{65}\u{301} 1.JPG")
        try test.add("caf\u{e9} 1.xml", xml([("x", "1 1 2 2")]))
        #expect(try test.imported(.voc).matched == 1)
    }

    @Test func twoForOneImageAreAnError() throws {
        let test = try Annotated("images/a.jpg")
        try test.add("one/a.xml", xml([("x", "1 1 2 2")]))
        try test.add("two/a.xml", xml([("x", "1 1 2 2")]))
        let found = try #require(failure { try test.imported(.voc) })
        #expect(found.message.contains("one/a.xml") && found.message.contains("two/a.xml") && found.message.contains("images/a.jpg"), "\(found)")
        let stranger = try Annotated("z.jpg")
        try stranger.add("a.xml", xml([]))
        #expect(failure { try stranger.imported(.voc) }?.message.contains("none of the annotations") == true)
    }

    /// `cat.png` and `cat.jpg` are two pictures, of which an annotation's own name does not say which is meant.
    @Test func namesThatDifferByTheirExtensionAloneShareNothing() throws {
        let test = try Annotated("cat.png", "cat.jpg", "dog.jpg", "dog.jpg")
        try test.add("cat.xml", xml([("x", "1 1 2 2")]))
        try test.add("dog.xml", xml([("x", "1 1 2 2")]))
        let report = try test.imported(.voc)
        #expect(try test.states() == [.unseen, .unseen, .map, .map])
        #expect(report.rivals.count == 1 && report.text.contains("cat.jpg and cat.png"), "\(report.text)")
        try test.add("cat.xml", xml([("x", "1 1 2 2")], name: "cat.jpg"))
        #expect(try test.imported(.voc).rivals.count == 0)
        #expect(try test.states() == [.unseen, .map, .map, .map])
        let alone = try Annotated("cat.png", "cat.jpg")
        try alone.add("cat.xml", xml([("x", "1 1 2 2")]))
        #expect(failure { try alone.imported(.voc) }?.message.contains("cat.jpg and cat.png") == true)
    }

    @Test(arguments: [
        ("<annotation><object><name>x</name><bndbox><xmin>one</xmin></bndbox></object></annotation>", "xmin is \"one\""),
        ("<annotation>", "ends within"), ("<annotation></annotations>", "another element ends"), ("", "holds no element"), ("plain text", "holds no element"),
        ("<annotation a=1></annotation>", "not in quotes"), ("<html></html>", "holds no <annotation>"),
        ("<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><annotation>&c;</annotation>", "document type"),
        ("<annotation>&c;</annotation>", "unknown entity &c;"), (String(repeating: "<a>", count: 100), "deep"),
    ])
    func whatIsNoVOCIsNamed(text: String, expected: String) throws {
        let test = try Annotated("a.jpg")
        try test.add("a.xml", text)
        let found = try #require(failure { try test.imported(.voc) }, "accepted \(text)")
        #expect(found.kind == .badData && found.message.contains("a.xml") && found.message.contains(expected) && found.remedy != nil, "\(found)")
    }

    /// Two labels in Chinese, which are the same two replacement characters where they are taken for UTF-8.
    private let gbk: ([UInt8], [UInt8]) = ([0xC1, 0xD1, 0xBA, 0xDB], [0xBF, 0xD7, 0xB6, 0xB4])

    private func file(_ first: String, _ label: [UInt8]) -> [UInt8] {
        let text = xml([("LABEL", "1 1 2 2")]).replacingOccurrences(of: "<?xml version=\"1.0\"?>", with: first)
        let parts = text.components(separatedBy: "LABEL")
        return Array(parts[0].utf8) + label + Array(parts[1].utf8)
    }

    @Test func labelsInOtherEncodings() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        for (first, expected) in [("<?xml version='1.0' encoding='GBK'?>", "\"gbk\""), ("", "not UTF-8"), ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "not UTF-8")] {
            try test.add("a.xml", file(first, gbk.0))
            try test.add("b.xml", file(first, gbk.1))
            let found = try #require(failure { try test.imported(.voc) })
            #expect(found.kind == .badData && found.message.contains("a.xml") && found.message.contains(expected) && found.remedy?.contains("save it as UTF-8") == true, "\(found)")
        }
        // ASCII means the same in all of them.
        try test.add("a.xml", file("<?xml version='1.0' encoding='GBK'?>", Array("hole".utf8)))
        try test.add("b.xml", file("<?xml version=\"1.0\" encoding=\"windows-1252\"?>", [0x80, 0xE9] + Array("&#x20AC;".utf8)))
        #expect(try test.imported(.voc).labels.map(\.name) == ["hole", "\u{20AC}\u{E9}\u{20AC}"])
        try test.add("b.xml", file("<?xml version=\"1.0\" encoding = 'ISO-8859-1' ?>", [0xE9]))
        #expect(try test.imported(.voc).labels.map(\.name) == ["hole", "\u{E9}"])
    }

    /// What a store is replaced by remembers it.
    @Test func replacedMapsAreRemembered() throws {
        let test = try Annotated("a.jpg", "b.jpg")
        try test.add("a.xml", xml([("x", "1 1 2 2")]))
        try test.add("b.xml", xml([]))
        try test.imported(.voc)
        let first = try test.records()
        try test.add("a.xml", xml([("x", "3 3 4 4")]))
        let report = try test.imported(.voc)
        try test.imported(.voc, labels: ["x"])
        let (last, origins) = (try test.records(), try test.source().origins)
        #expect(report.replaced == 2 && origins.count >= 2)
        let chain = try #require(last[0].replaced)
        #expect(chain.count == 2 && chain[1].map == first[0].map && chain[0].map == last[0].map && chain[1].state == .map)
        let (before, now) = (origins[try #require(chain[1].origin)], origins[try #require(last[0].origin)])
        #expect(before.settings?["labels"] == .text("all") && now.settings?["labels"] == .text("x"))
        #expect(last[1].replaced?.map(\.state) == [.empty, .empty])
    }
}
