/// Help that a person can read: flags with their variables and defaults, wrapped to a terminal.
public enum HelpText {
  /// One block per setting.
  public static func describe(_ declarations: [SettingDeclaration], width: Int = 96) -> String {
    declarations.map { declaration in
      let names = ([declaration.name] + declaration.aliases).map { $0.count == 1 ? "-\($0)" : "--\($0)" }
      let flag = names.joined(separator: ", ") + (declaration.placeholder.isEmpty ? "" : " \(declaration.placeholder)")
      let variable = declaration.environment.isEmpty ? "" : "    \(declaration.environment)"
      let title = declaration.isSecret ? declaration.environment : flag + variable
      let standard = declaration.defaultText.map { " Default: \($0)." } ?? ""
      let others =
        declaration.otherVariables.isEmpty ? "" : " Also \(declaration.otherVariables.joined(separator: ", then "))."
      return "  \(title)\n" + wrap(declaration.help + others + standard, indent: 6, width: width)
    }.joined()
  }

  /// One line or two per setting: the flag, and beside it the first sentence of its help and its default.
  package static func summarize(_ declarations: [SettingDeclaration], width: Int = 100) -> String {
    let column = 28
    return declarations.map { declaration in
      let names = ([declaration.name] + declaration.aliases).map { $0.count == 1 ? "-\($0)" : "--\($0)" }
      let label = "  " + names.joined(separator: ", ") + (declaration.placeholder.isEmpty ? "" : " \(declaration.placeholder)")
      let standard = declaration.defaultText.map { " Default: \($0)." } ?? ""
      let text = wrap("\(firstSentence(of: declaration.help)).\(standard)", indent: column, width: width)
      if label.count + 2 > column { return "\(label)\n\(text)" }
      return label + text.dropFirst(label.count)
    }.joined()
  }

  /// The first sentence of a help text, without its full stop: it says what the flag does.
  package static func firstSentence(of help: String) -> String {
    let sentence = help.firstRange(of: ". ").map { help[..<$0.lowerBound] } ?? help[...]
    return String(sentence.hasSuffix(".") && !sentence.hasSuffix("...") ? sentence.dropLast() : sentence)
  }

  private static func wrap(_ text: String, indent: Int, width: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var lines: [String] = [margin]
    for word in text.split(separator: " ") {
      let last = lines.count - 1
      if lines[last].count + word.count + 1 > width, lines[last].count > indent {
        lines.append(margin + word)
      } else {
        lines[last] += (lines[last].count > indent ? " " : "") + word
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
