import ValueStreamCore

/// The texts of `--help` for the program, for a group of commands and for a command.
enum CommandHelp {
  static func text(for words: [String], in table: CommandTable) -> String {
    if let command = table.commands.first(where: { $0.words == words }) { return page(of: command) }
    return list(of: table.commands.filter { $0.words.starts(with: words) }, after: words)
  }

  /// Returns the help pages of all commands, one below the other.
  static func everything(in table: CommandTable) -> String {
    ([text(for: [], in: table)] + table.commands.map(page)).joined(separator: "\n\(String(repeating: "-", count: 100))\n\n")
  }

  private static func list(of commands: [Command], after words: [String]) -> String {
    words.isEmpty ? firstPage(of: commands) : page(of: commands, after: words)
  }

  private static func firstPage(of commands: [Command]) -> String {
    let sections = sections.compactMap { title, firstWords in
      let listed = commands.filter { firstWords.contains($0.words[0]) }
      return listed.isEmpty ? nil : "\(title):\n\(lines(of: listed))"
    }
    return """
      \(Program.name) is the command line of ValueStream.

      Usage: \(Program.name) COMMAND [--flag=value ...]

      \(sections.joined(separator: "\n"))
      \(Program.name) COMMAND --help shows what a command does, --help all what each does; --version the version.
      Flags take one dash or two, = or a space before the value, and stand anywhere.

      \(exitCodes)

      """
  }

  /// The headings of the main help page, and the first words of the commands below each.
  static let sections: [(title: String, firstWords: [String])] = [
    ("Export history as CSV, and report on it", ["github", "gitlab", "jira", "jenkins", "agg"]),
    ("Ask a vsd", Command.deliveryReports.map { $0.words[0] } + ["report"] + Command.exclusions.map { $0.words[0] }),
    (
      "Connect, import, send events, debug, try out",
      ["webhooks", "import", "event", "explain", "generate", "traceparent", "completion"]
    ),
  ]

  /// Returns a line for each command, and one for each group of ``groups``.
  private static func lines(of commands: [Command]) -> String {
    var lines: [(name: String, summary: String)] = []
    for command in commands {
      let line =
        groups[command.words[0]].map { ("\(command.words[0]) ...", $0) } ?? pairs[command.words[0]]
        ?? (command.name, command.summary)
      if lines.last?.name != line.0 { lines.append(line) }
    }
    return lines.map { text(name: $0.name, summary: $0.summary, width: width) }.joined()
  }

  /// The width of names on the main help page.
  private static let width = 22

  private static func text(name: String, summary: String, width: Int) -> String {
    "  \(name)\(String(repeating: " ", count: max(0, width - name.count)))  \(summary)\n"
  }

  /// The groups that have one line on the main help page, so that it fits a screen.
  private static let groups = [
    "github": "write pull requests, issues, Actions runs or deployments as CSV",
    "agg": "report on pull requests, issues, builds or deploys: how many, how long",
    "generate": "generate the webhook deliveries of a small organization, or a file of pull requests",
    "import": "import the history of GitHub, GitLab, Jira, Jenkins or Trello into a vsd",
    "event": "report the start, the end or an annotation of work, or run a command and report it",
    "webhooks": "make, list and check the webhooks that vsd needs; ask again for lost deliveries",
  ]

  /// The commands that share one line on the main help page.
  private static let pairs = ["exclude", "include", "exclusions"].reduce(into: [:]) { pairs, word in
    pairs[word] = ("exclude, include", "leave an item out of all numbers, or take it back; exclusions lists them")
  }

  private static func allLines(of commands: [Command]) -> String {
    let width = commands.map(\.name.count).max() ?? 0
    return commands.map { text(name: $0.name, summary: $0.summary, width: width) }.joined()
  }

  private static func page(of commands: [Command], after words: [String]) -> String {
    """
    Usage: \(([Program.name] + words).joined(separator: " ")) COMMAND [--flag=value ...]

    Commands:
    \(allLines(of: commands))
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
