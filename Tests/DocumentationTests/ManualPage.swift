import ValueStreamCore

/// Writes a manual page in the language of `man`, from the declarations of flags and commands.
struct ManualPage {
  private var lines: [String]

  /// - Parameter summary: What the program does, in the words that follow its name.
  init(_ program: String, summary: String) {
    lines = [
      // Scripts/dist replaces the version and the date of the release.
      #".TH \#(program.uppercased()) 1 "@DATE@" "ValueStream @VERSION@" "ValueStream""#,
      ".SH NAME", "\(program) \\- \(Self.escaped(summary))",
    ]
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  mutating func section(_ title: String) { lines.append(".SH \(Self.quoted(title.uppercased()))") }
  mutating func subsection(_ title: String) { lines.append(".SS \(Self.quoted(title))") }

  /// Adds a text whose paragraphs are separated by empty lines.
  mutating func paragraphs(_ text: String) {
    for paragraph in text.split(separator: "\n\n") {
      beginParagraph()
      lines.append(Self.filled(paragraph))
    }
  }

  /// Adds lines as they are.
  mutating func literal(_ text: String) {
    beginParagraph()
    lines += [".nf", ".RS"]
    lines += text.split(separator: "\n", omittingEmptySubsequences: false).map { Self.escaped(String($0)) }
    lines += [".RE", ".fi"]
  }

  /// Begins a paragraph, unless a heading has begun one.
  private mutating func beginParagraph() {
    if lines.last?.hasPrefix(".S") != true { lines.append(".PP") }
  }

  /// Adds a term with its explanation.
  mutating func item(_ term: String, _ explanation: String) {
    lines += [".TP", ".B \(Self.quoted(term))", Self.filled(explanation)]
  }

  /// Adds a term for each setting.
  mutating func settings(_ declarations: [SettingDeclaration]) {
    for declaration in declarations {
      let names = ([declaration.name] + declaration.aliases).map { $0.count == 1 ? "-\($0)" : "--\($0)" }
      let flag = names.joined(separator: ", ") + (declaration.placeholder.isEmpty ? "" : " \(declaration.placeholder)")
      let variables = ([declaration.environment] + declaration.otherVariables).filter { !$0.isEmpty }
      let also = declaration.isSecret ? Array(variables.dropFirst()) : variables
      let said = also.isEmpty ? "" : " Variable: \(also.joined(separator: ", then "))."
      let standard = declaration.defaultText.map { " Default: \($0)." } ?? ""
      item(declaration.isSecret ? declaration.environment : flag, declaration.help + said + standard)
    }
  }

  /// Adds the exit codes of a sentence such as `Exit codes: 0 done; 64 mistake in a flag.`
  mutating func exitCodes(_ sentence: String) {
    section("Exit status")
    let list = sentence.replacing("\n", with: " ").split(separator: ": ", maxSplits: 1).last ?? ""
    for code in list.split(separator: "; ") {
      let words = code.split(separator: " ", maxSplits: 1).map(String.init)
      let meaning = words.last ?? ""
      item(words.first ?? "", meaning.hasSuffix(".") ? meaning : "\(meaning).")
    }
  }

  /// Joins lines, which `man` breaks anew.
  private static func filled(_ text: some StringProtocol) -> String {
    escaped(text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " "))
  }

  private static func quoted(_ text: String) -> String { "\"\(escaped(text).replacing("\"", with: "\\(dq"))\"" }

  /// Escapes what `man` would interpret, and makes hyphens that one can copy.
  private static func escaped(_ text: String) -> String {
    let line = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : line
  }
}
