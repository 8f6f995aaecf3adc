import ValueStreamCore

/// Something `vsperf` can do.
struct Command: Sendable {
  /// The words that name it: `generate history`.
  var words: [String]
  /// One line, for the list of commands.
  var summary: String
  /// What it does, for its own page.
  var description: String
  var declarations: [SettingDeclaration]
  /// How help names what follows the command; nil when nothing may.
  var operands: String?
  var examples: [(text: String, command: String)]
  var run: @Sendable (Settings) async throws -> Void

  var name: String { words.joined(separator: " ") }
}

/// All commands. A command of several words stands below its first ones, which are pages of help only.
struct CommandTable: Sendable {
  var commands: [Command]

  static let all = CommandTable(commands: [
    .gitHubPullRequests, .gitHubIssues, .gitHubWorkflowRuns, .gitHubDeployments, .gitLabMergeRequests, .jiraIssues,
    .jenkinsBuilds, .aggregatePullRequests, .aggregateIssues, .aggregateBuilds, .aggregateDeploys, .eventStart, .eventEnd,
    .eventAnnotate, .eventRun, .explain, .generateHistory, .generatePullRequests, .traceparent, .completion,
  ])

  /// What a command line asks for.
  enum Request {
    case show(String)
    case run(Command, Settings)
  }

  func request(in arguments: [String], environment: [String: String]) throws -> Request {
    // What follows -- is for somebody else.
    let own = arguments.prefix { $0 != "--" }
    let isHelp = own.contains { Self.helpFlags.contains($0) }
    if !isHelp, own.contains(where: { ["--version", "-version"].contains($0) }) {
      return .show("\(Program.name) \(ValueStreamVersion.current)\n")
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

  /// The words that are no flags, wherever flags stand.
  private func words(in arguments: [String], isHelp: Bool) throws -> [String] {
    // Which words are values of flags is known once all flags are; a wrong one does not keep anybody from help.
    do throws(SettingsError) {
      return try Settings(declared: commands.flatMap(\.declarations), arguments: arguments, environment: [:]).operands
    } catch {
      let leading = Array(arguments.prefix { !$0.hasPrefix("-") })
      guard isHelp else { throw UsageError("\(error)", seeing: (try? command(leading))?.words ?? []) }
      return leading
    }
  }

  /// The command that words name.
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

  /// Words that begin a command, all or some of them.
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

  /// What can follow the first words of commands, in the order of the table.
  private func nextWords(after group: [String]) -> [String] {
    var next: [String] = []
    for command in commands where command.words.starts(with: group) && command.words.count > group.count {
      if !next.contains(command.words[group.count]) { next.append(command.words[group.count]) }
    }
    return next
  }
}
