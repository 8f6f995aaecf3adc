/// A mistake in the command line: one line that says where help is.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  /// - Parameter words: the command, or the first words of one, whose help says more.
  init(_ message: String, seeing words: [String]) {
    description = "\(message); \(([Program.name] + words).joined(separator: " ")) --help says more"
  }
}

/// Why a command could not do what it was asked for.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  let exitCode: Int32

  init(_ description: String, _ exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }
}

/// Ends the program with an exit code of another, without a word.
struct ExitStatus: Error {
  var code: Int32
}
