import Foundation

/// Prints a line at once, also where the output is a file or a pipe: long work shows how far it is.
func printNow(_ line: String) {
    print(line)
    fflush(nil)
}
