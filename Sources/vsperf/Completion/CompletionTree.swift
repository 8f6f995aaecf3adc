import ValueStreamCore

/// What can be typed where, as the scripts of all shells need it.
struct CompletionTree {
  /// What a flag takes.
  enum Value: Equatable {
    case none, any, file, folder
    case oneOf([String])
  }

  struct Flag {
    var name: String
    var value: Value
    var help: String
  }

  struct Place {
    var words: [String]
    /// What can follow, with its summary; of a command nothing.
    var next: [(word: String, summary: String)]
    var flags: [Flag]
    /// True where files may follow.
    var takesFiles: Bool
  }

  let program: String
  let places: [Place]

  init(_ table: CommandTable, program: String) {
    self.program = program
    var places: [Place] = []
    for command in table.commands {
      for count in 0..<command.words.count {
        let words = Array(command.words.prefix(count))
        if !places.contains(where: { $0.words == words }) { places.append(Self.group(words, in: table)) }
      }
      places.append(Self.place(of: command))
    }
    self.places = places
  }

  private static func group(_ words: [String], in table: CommandTable) -> Place {
    var next: [(word: String, summary: String)] = []
    for command in table.commands where command.words.starts(with: words) {
      let word = command.words[words.count]
      let isCommand = command.words.count == words.count + 1
      if !next.contains(where: { $0.word == word }) { next.append((word, isCommand ? command.summary : "")) }
    }
    return Place(words: words, next: next, flags: [], takesFiles: false)
  }

  private static func place(of command: Command) -> Place {
    let flags = command.declarations.filter { !$0.isSecret }.map { declaration in
      Flag(name: declaration.name, value: value(declaration), help: HelpText.firstSentence(of: declaration.help))
    }
    let words = command.operands?.contains("|") == true ? command.operands?.split(separator: "|").map(String.init) ?? [] : []
    return Place(
      words: command.words, next: words.map { ($0, "") }, flags: flags,
      takesFiles: command.operands?.hasPrefix("FILE") == true)
  }

  /// A placeholder with bars names all there is.
  private static func value(_ declaration: SettingDeclaration) -> Value {
    if declaration.impliedText != nil { return .none }
    switch declaration.placeholder {
    case "FILE": return .file
    case "DIR": return .folder
    case let words where words.contains("|"): return .oneOf(words.split(separator: "|").map(String.init))
    default: return .any
    }
  }

  /// Every flag that takes a value, once.
  var flagsWithValue: [Flag] {
    var found: [Flag] = []
    for flag in places.flatMap(\.flags) where flag.value != .none && !found.contains(where: { $0.name == flag.name }) {
      found.append(flag)
    }
    return found
  }

  /// For a pattern of `case`: both ways to write each flag.
  static func pattern(_ flags: [Flag]) -> String {
    flags.flatMap { ["--\($0.name)", "-\($0.name)"] }.joined(separator: "|")
  }

  /// Text within single quotes of a POSIX shell.
  static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "'\\''"))'" }
}
