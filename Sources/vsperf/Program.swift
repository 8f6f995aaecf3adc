import ValueStreamCore

/// The name that the program was started under. Under the name of a program of 2019, it offers only the commands of
/// that program.
enum Program {
  static let name: String = {
    let started = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    return formerPrograms[started] == nil ? "vsperf" : started
  }()

  /// The commands that are available under this name.
  static var commands: CommandTable {
    guard let first = formerPrograms[name] else { return .all }
    return CommandTable(commands: CommandTable.all.commands.filter { first.contains($0.words.first ?? "") })
  }

  /// The first words of the commands of each program of 2019.
  private static let formerPrograms = [
    "vscli": ["event", "completion"],
    "vsperformancereport": ["agg", "github", "gitlab", "jenkins", "jira", "completion"],
  ]

  /// Returns a command line of ``CommandTable`` with the current program name.
  static func named(_ command: String) -> String {
    name == "vsperf" ? command : command.replacing("vsperf ", with: "\(name) ")
  }
}
