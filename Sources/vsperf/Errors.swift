/// Of sysexits.h.
enum ExitCode {
  static let usage: Int32 = 64
  static let dataError: Int32 = 65
  static let noInput: Int32 = 66
  static let unavailable: Int32 = 69
  static let software: Int32 = 70
  static let inputOutput: Int32 = 74
}

/// A mistake in the command line: one line that says where help is.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  /// - Parameter words: the command, or the first words of one, whose help says more.
  init(_ message: String, seeing words: [String]) {
    description = "\(message); \((["vsperf"] + words).joined(separator: " ")) --help says more"
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
