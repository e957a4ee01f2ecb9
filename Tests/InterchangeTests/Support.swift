import Foundation
import TestSupport

let pythonProgram = ProcessInfo.processInfo.environment["SIPAT_PYTHON"] ?? "python3"

/// Whether the tests' Python can import these modules.
func python(has modules: String...) -> Bool {
    (try? ProgramRun.of(pythonProgram, ["-c", "import " + modules.joined(separator: ", ")], timeout: 120))?.status == 0
}
