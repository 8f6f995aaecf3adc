import ValueStreamCore

/// Under which name this was started. Under those of the programs of 2019 it shows what these could do.
enum Program {
  static let name: String = {
    let started = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    return formerPrograms[started] == nil ? "vsperf" : started
  }()

  /// The commands that it shows and takes.
  static var commands: CommandTable {
    guard let first = formerPrograms[name] else { return .all }
    return CommandTable(commands: CommandTable.all.commands.filter { first.contains($0.words.first ?? "") })
  }

  /// The first words of the commands of each.
  private static let formerPrograms = [
    "vscli": ["event", "completion"],
    "vsperformancereport": ["agg", "github", "gitlab", "jenkins", "jira", "completion"],
  ]

  /// A command line of ``CommandTable``, with this name.
  static func named(_ command: String) -> String {
    name == "vsperf" ? command : command.replacing("vsperf ", with: "\(name) ")
  }
}
