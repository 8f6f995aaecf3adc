/// A mistake in the command line, with a message of one line that names the help page.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  /// Creates an error whose message ends with a hint at the help page.
  ///
  /// - Parameter words: The words of the command or group whose help page to name.
  init(_ message: String, seeing words: [String]) {
    description = "\(message); \(([Program.name] + words).joined(separator: " ")) --help says more"
  }
}

/// An error that makes a command fail, with its exit code.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  let exitCode: Int32

  init(_ description: String, _ exitCode: Int32) {
    self.description = description
    self.exitCode = exitCode
  }
}

/// Ends the program silently with the exit code of another program.
struct ExitStatus: Error {
  var code: Int32
}
