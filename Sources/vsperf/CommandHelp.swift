import ValueStreamCore

/// What `--help` prints, for the program, a group of commands and a command.
enum CommandHelp {
  static func text(for words: [String], in table: CommandTable) -> String {
    if let command = table.commands.first(where: { $0.words == words }) { return page(of: command) }
    return list(of: table.commands.filter { $0.words.starts(with: words) }, after: words)
  }

  private static func list(of commands: [Command], after words: [String]) -> String {
    let name = ([Program.name] + words).joined(separator: " ")
    let first = words.isEmpty ? "\(Program.name) - the command line of ValueStream.\n\n" : ""
    let width = commands.map(\.name.count).max() ?? 0
    let lines = commands.map { command in
      "  \(command.name)\(String(repeating: " ", count: width - command.name.count))  \(command.summary)\n"
    }
    return """
      \(first)Usage: \(name) COMMAND [--flag=value ...]

      Commands:
      \(lines.joined())
      \(Program.name) COMMAND --help says what a command does and takes. Flags take one dash or two, = or a space
      before the value, and stand anywhere.

      Examples:
      \(text(of: commands.compactMap(\.examples.first)))
        --version
            Print the version.

        --help
            Print this page.

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
    Exit codes: 0 when it is done; 64 a mistake in the command line or a variable; 65 a payload cannot be
    read; 66 there is no such file; 69 the receiver cannot be reached, or refuses, or does not know the
    thing; 70 an internal error; 74 a file cannot be written.
    """
}
