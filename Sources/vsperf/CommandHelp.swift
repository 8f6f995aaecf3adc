import ValueStreamCore

/// What `--help` prints, for the program, a group of commands and a command.
enum CommandHelp {
  static func text(for words: [String], in table: CommandTable) -> String {
    if let command = table.commands.first(where: { $0.words == words }) { return page(of: command) }
    return list(of: table.commands.filter { $0.words.starts(with: words) }, after: words)
  }

  /// The pages of all commands, one below the other.
  static func everything(in table: CommandTable) -> String {
    ([text(for: [], in: table)] + table.commands.map(page)).joined(separator: "\n\(String(repeating: "-", count: 100))\n\n")
  }

  private static func list(of commands: [Command], after words: [String]) -> String {
    words.isEmpty ? firstPage(of: commands) : page(of: commands, after: words)
  }

  private static func firstPage(of commands: [Command]) -> String {
    let sections = sections.compactMap { title, firstWords in
      let listed = commands.filter { firstWords.contains($0.words[0]) }
      return listed.isEmpty ? nil : "\(title):\n\(lines(of: listed, among: commands))"
    }
    return """
      \(Program.name) is the command line of ValueStream.

      Usage: \(Program.name) COMMAND [--flag=value ...]

      \(sections.joined(separator: "\n"))
      \(Program.name) COMMAND --help shows what a command does and takes; --help all shows it for every
      command; --version prints the version. Flags take one dash or two, = or a space before the value, and
      stand anywhere.

      \(exitCodes)

      """
  }

  /// The headings of the first page, with the first words of the commands below them.
  static let sections: [(title: String, firstWords: [String])] = [
    ("Export history as CSV", ["github", "gitlab", "jira", "jenkins"]),
    ("Report on CSV files", ["agg"]),
    ("Send events from scripts", ["event"]),
    ("Try out, debug, integrate", ["explain", "generate", "traceparent", "completion"]),
  ]

  private static func lines(of commands: [Command], among all: [Command]) -> String {
    let width = all.map(\.name.count).max() ?? 0
    return commands.map { command in
      "  \(command.name)\(String(repeating: " ", count: width - command.name.count))  \(command.summary)\n"
    }.joined()
  }

  private static func page(of commands: [Command], after words: [String]) -> String {
    """
    Usage: \(([Program.name] + words).joined(separator: " ")) COMMAND [--flag=value ...]

    Commands:
    \(lines(of: commands, among: commands))
    \(Program.name) COMMAND --help shows what a command does and takes.

    Examples:
    \(text(of: commands.compactMap(\.examples.first)))
    \(exitCodes)

    """
  }

  private static func page(of command: Command) -> String {
    """
    \(Program.name) \(command.name) - \(command.summary)

    Usage: \(Program.name) \(command.name) [--flag=value ...]\(command.operands.map { " \($0)" } ?? "")

    \(command.description)

    \(command.declarations.isEmpty ? "" : "Settings:\n\(HelpText.describe(command.declarations))\n")\
      --help
          Print this page.

    Examples:
    \(text(of: command.examples))
    \(exitCodes)

    """
  }

  private static func text(of examples: [(text: String, command: String)]) -> String {
    examples.map { "  # \($0.text)\n  \(Program.named($0.command))\n" }.joined(separator: "\n")
  }

  static let exitCodes = """
    Exit codes: 0 done; 64 mistake in the command line or a variable; 65 a payload cannot be read; 66 no
    such file; 69 the receiver cannot be reached, refuses, or does not know the item; 70 internal error;
    74 a file cannot be written; 75 the file was written, but the server could not read some records.
    """
}
