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
