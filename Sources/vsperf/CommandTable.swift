internal import CReleaseStamp
import ValueStreamCore

/// A command of `vsperf`.
struct Command: Sendable {
  /// The words of its name, such as `generate history`.
  var words: [String]
  /// A one-line summary for the list of commands.
  var summary: String
  /// A description for the help page of the command.
  var description: String
  var declarations: [SettingDeclaration]
  /// The placeholder of the operands in help texts; nil if the command takes none.
  var operands: String?
  var examples: [(text: String, command: String)]
  var run: @Sendable (Settings) async throws -> Void

  var name: String { words.joined(separator: " ") }
}

/// The table of all commands. The first words of a command of several words name a group, which has only a help page.
struct CommandTable: Sendable {
  var commands: [Command]

  static let all = CommandTable(
    commands: exports + Command.deliveryReports + [.reportPage] + Command.exclusions + Command.webhooks + others)

  private static let exports: [Command] =
    Command.records + [.aggregatePullRequests, .aggregateIssues, .aggregateBuilds, .aggregateDeploys]

  private static let others: [Command] =
    Command.imports + [
      .importSend, .eventStart, .eventEnd, .eventAnnotate, .eventRun, .explain, .generateHistory, .generatePullRequests,
      .traceparent, .completion,
    ]

  /// The action that a command line asks for.
  enum Request {
    case show(String)
    case run(Command, Settings)
  }

  func request(in arguments: [String], environment: [String: String]) throws -> Request {
    // Arguments after `--` belong to another program.
    let given = arguments.prefix { $0 != "--" }
    // `help dora` means `dora --help`.
    let own = given.first == "help" ? ["--help"] + given.dropFirst() : Array(given)
    let isHelp = own.contains { Self.helpFlags.contains($0) }
    if !isHelp, own.contains(where: { ["--version", "-version"].contains($0) }) {
      return .show("\(Program.name) \(ValueStreamVersion.shown(stamp: String(cString: release_stamp())))\n")
    }
    let arguments = own.filter { !Self.helpFlags.contains($0) } + arguments.dropFirst(own.count)
    let words = try words(in: arguments, isHelp: isHelp)
    if isHelp, words == ["all"] { return .show(CommandHelp.everything(in: self)) }
    if isHelp { return .show(CommandHelp.text(for: try group(words), in: self)) }
    let command = try command(words)
    do throws(SettingsError) {
      return .run(command, try Settings(declared: command.declarations, arguments: arguments, environment: environment))
    } catch {
      throw UsageError("\(error)", seeing: command.words)
    }
  }

  private static let helpFlags = ["--help", "-help", "-h"]

  /// Returns the arguments that are not flags or values of flags, wherever they stand.
  private func words(in arguments: [String], isHelp: Bool) throws -> [String] {
    // Parsing needs the flags of all commands to know which arguments are values. With `--help`, an invalid flag
    // still shows the help page.
    do throws(SettingsError) {
      return try Settings(declared: commands.flatMap(\.declarations), arguments: arguments, environment: [:]).operands
    } catch {
      let leading = Array(arguments.prefix { !$0.hasPrefix("-") })
      guard isHelp else { throw UsageError("\(error)", seeing: (try? command(leading))?.words ?? []) }
      return leading
    }
  }

  /// Returns the command that the words name.
  ///
  /// - Throws: ``UsageError`` if there is no such command or an argument is not expected.
  private func command(_ words: [String]) throws -> Command {
    if let command = commands.first(where: { words.starts(with: $0.words) }) {
      if words.count == command.words.count || command.operands != nil { return command }
      throw UsageError("unexpected argument \"\(words[command.words.count])\"", seeing: command.words)
    }
    let group = try group(words)
    let next = nextWords(after: group).joined(separator: ", ")
    throw UsageError(
      group.isEmpty ? "which command? there is \(next)" : "\(group.joined(separator: " ")) what? there is \(next)", seeing: group)
  }

  /// Returns the words that name a command or a group.
  ///
  /// - Throws: ``UsageError`` if a word belongs to no command.
  private func group(_ words: [String]) throws -> [String] {
    var group: [String] = []
    for word in words {
      if commands.contains(where: { $0.words == group && $0.operands != nil }) { return group }
      let next = nextWords(after: group)
      if next.isEmpty { throw UsageError("unexpected argument \"\(word)\"", seeing: group) }
      guard next.contains(word) else {
        let nearest = Spelling.nearest(to: word, among: next).map { " (did you mean \($0)?)" } ?? ""
        throw UsageError("there is no command \"\((group + [word]).joined(separator: " "))\"" + nearest, seeing: group)
      }
      group.append(word)
    }
    return group
  }

  /// Returns the words that can follow a group, in the order of the table.
  private func nextWords(after group: [String]) -> [String] {
    var next: [String] = []
    for command in commands where command.words.starts(with: group) && command.words.count > group.count {
      if !next.contains(command.words[group.count]) { next.append(command.words[group.count]) }
    }
    return next
  }
}
