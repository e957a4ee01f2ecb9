import ArgumentParser

struct ReviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Let people decide the exceptions: look at maps, confirm and correct them in a browser.",
        discussion: """
            sipat review plan --data steel.pack --maps steel-auto --audit 0.1 --honeypots 0.04 --output review
            sipat review serve review --people alice,bob
            sipat review status review
            sipat review export review --output steel-reviewed
            """,
        subcommands: [
            ReviewPlanCommand.self, ReviewServeCommand.self, ReviewStatusCommand.self, ReviewExportCommand.self, ReviewVerifyCommand.self,
        ])
}
