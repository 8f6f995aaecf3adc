import ValueStreamCore

/// The words and flags that can follow each prefix of a command line, for the completion scripts of all shells.
struct CompletionTree {
  /// The kind of value that a flag takes.
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
    /// The words that can follow, with their summaries. A command has none unless its operands are fixed words.
    var next: [(word: String, summary: String)]
    var flags: [Flag]
    /// True if files can follow.
    var takesFiles: Bool
  }

  let program: String
  let places: [Place]

  init(program: String, places: [Place]) {
    self.program = program
    self.places = places
  }

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
    let words = command.operands?.contains("|") == true ? command.operands?.split(separator: "|").map(String.init) ?? [] : []
    return Place(
      words: command.words, next: words.map { ($0, "") }, flags: flags(of: command.declarations),
      takesFiles: command.operands?.hasPrefix("FILE") == true)
  }

  /// Returns the flags of settings, without those that have only a variable.
  static func flags(of declarations: [SettingDeclaration]) -> [Flag] {
    declarations.filter { !$0.isSecret }.map { declaration in
      Flag(name: declaration.name, value: value(declaration), help: HelpText.firstSentence(of: declaration.help))
    }
  }

  /// Returns the kind of value of a flag. A placeholder with `|` lists all possible values.
  private static func value(_ declaration: SettingDeclaration) -> Value {
    if declaration.impliedText != nil { return .none }
    switch declaration.placeholder {
    case "FILE": return .file
    case "DIR", "DIR|URL|memory": return .folder
    case let words where words.contains("|"): return .oneOf(words.split(separator: "|").map(String.init))
    default: return .any
    }
  }

  /// The flags that take a value, without duplicates.
  var flagsWithValue: [Flag] {
    var found: [Flag] = []
    for flag in places.flatMap(\.flags) where flag.value != .none && !found.contains(where: { $0.name == flag.name }) {
      found.append(flag)
    }
    return found
  }

  /// Returns a pattern for `case` that matches these flags, with one dash and with two.
  static func pattern(_ flags: [Flag]) -> String {
    flags.flatMap { ["--\($0.name)", "-\($0.name)"] }.joined(separator: "|")
  }

  /// Returns a text within single quotes for a POSIX shell.
  static func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "'\\''"))'" }
}
