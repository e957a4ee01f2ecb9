import ArgumentParser
import Diagnostics
import Foundation
import Review

struct ReviewServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a review to browsers, until it is interrupted. Every decision is on the disk before the next image shows.",
        discussion: """
            Prints a link for each person: whoever has the link decides in that name. Links stay the same when it is started again.

            It listens on this machine only. From another one: ssh -L 8080:127.0.0.1:8080 this-machine, and open the link there.
            """)

    @Argument(help: "The folder that sipat review plan made.")
    var review: String
    @OptionGroup var options: ServeOptions

    mutating func validate() throws { review = try expandingTilde(review) }

    func run() throws {
        try reportingFailures { try serve() }
    }

    private func serve() throws {
        let folder = ReviewFolder(review)
        let plan = try folder.readPlan().plan
        let known = try options.known(folder.people, otherwise: "reviewer")
        let material = try ReviewMaterial(plan)
        let opened = try Review(review, people: known.people.map(\.name))
        options.note(removed: opened.end, from: folder.log)
        let server = try ReviewServer(opened, material: material, people: known)
        try options.serve(server, people: known.people)
    }
}
