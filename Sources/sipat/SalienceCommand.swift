import ArgumentParser

struct SalienceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salience", abstract: "Read salience maps from people's files, estimate them, score them, or look at them.",
        subcommands: [
            SalienceImportCommand.self, SalienceEstimateCommand.self, SalienceCompareCommand.self, SalienceShowCommand.self, SalienceSheetCommand.self,
        ])
}
