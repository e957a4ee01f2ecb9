import Diagnostics
import Foundation

/// Who may decide: `people.json`, which nobody but its owner may read.
package struct ReviewPeople: Sendable {
    package struct Person: Codable, Hashable, Sendable {
        package var name: String
        /// 32 hexadecimal digits.
        package var token: String

        package init(name: String, token: String) {
            self.name = name
            self.token = token
        }
    }

    package private(set) var people: [Person]

    package init(_ people: [Person]) { self.people = people }

    /// Those in the file; nobody where there is none.
    package static func read(_ path: String) throws -> ReviewPeople {
        guard FileManager.default.fileExists(atPath: path) else { return ReviewPeople([]) }
        let remedy = "remove it: everybody gets a new link"
        let people: [Person]
        do { people = try decodedJSON([Person].self, from: ReadableFile.contents(of: path, limit: 1 << 20)) } catch let failure as Failure { throw failure } catch {
            throw Failure.badData("\(path): does not list people and their tokens", remedy: remedy)
        }
        for person in people {
            guard person.token.utf8.count == 32, person.token.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
                throw Failure.badData("\(path): the token of \(person.name) is not 32 hexadecimal digits in lower case", remedy: remedy)
            }
        }
        guard Set(people.map(\.token)).count == people.count, Set(people.map(\.name)).count == people.count else {
            throw Failure.badData("\(path): a name or a token is there twice, expected one of its own for everybody", remedy: remedy)
        }
        return ReviewPeople(people)
    }

    /// Adds those who are not there yet, each with a new token.
    ///
    /// - Throws: `Failure.usage` for a name that is empty, too long, or has control characters.
    package mutating func add(_ names: [String]) throws {
        for name in names where !people.contains(where: { $0.name == name }) {
            guard !name.isEmpty, name.count <= 60, !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                throw Failure.usage("--people holds the name \"\(name)\"", remedy: "names of 1 to 60 letters, separated by commas")
            }
            guard people.count < 1000 else { throw Failure.usage("more than 1000 people", remedy: "start another review") }
            var generator = SystemRandomNumberGenerator()
            let token = (0..<4).map { _ in String(format: "%08x", UInt32.random(in: 0...UInt32.max, using: &generator)) }.joined()
            people.append(Person(name: name, token: token))
        }
    }

    /// Writes the file for its owner only.
    package func write(to path: String) throws { try writePrivately(jsonBytes(people), to: path) }

    /// The number of the person with this token. Every token is compared to its end, so that the time taken tells nothing.
    package func person(token: String) -> Int? {
        let given = Array(token.utf8)
        var found = -1
        for (number, person) in people.enumerated() {
            let known = Array(person.token.utf8)
            var difference = UInt8(given.count == known.count ? 0 : 1)
            for i in known.indices { difference |= known[i] ^ (i < given.count ? given[i] : 0) }
            if difference == 0 { found = number }
        }
        return found < 0 ? nil : found
    }

    package func number(of name: String) -> Int? { people.firstIndex { $0.name == name } }
}
