import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import vsd
@testable import vsperf

/// Compares the generated reference pages with the declarations of flags and commands; `make docs` regenerates the pages.
@Suite("Command reference")
struct CommandReferenceTests {
  @Test("Docs/operate/flags.md is what the declarations of vsd say")
  func daemon() {
    let sections = HelpPage.sections.map { "## \($0.title)\n\n\(Self.table(of: $0.declarations))" }
    Golden.expect(
      """
      # vsd flags

      <!-- make docs writes this page -->

      Every flag of vsd, with its variable and default. `vsd --help all` prints the same list. [Settings](settings.md) explains
      precedence, units and the configuration file. If a setting has several variables, the first one that is set counts.

      \(sections.joined(separator: "\n"))
      """, matches: Self.path("operate/flags.md"))
    #expect(HelpPage.sections.flatMap(\.declarations).count == DaemonSettings.declarations.count)
    #expect(!HelpPage.sections.contains { $0.title == "Other" }, "a setting has no section in HelpPage")
  }

  @Test("Docs/cli/reference.md is what the declarations of vsperf say")
  func commands() {
    var listed: [SettingDeclaration: String] = [:]
    for section in HelpPage.sections where section.title == "Classification" {
      for declaration in section.declarations { listed[declaration] = "[vsd](../operate/flags.md#classification)" }
    }
    let pages = CommandTable.all.commands.map { command in
      let usage = "vsperf \(command.name) [--flag=value ...]" + (command.operands.map { " \($0)" } ?? "")
      let examples = command.examples.map { "# \($0.text)\n\($0.command)\n" }.joined(separator: "\n")
      let new = command.declarations.filter { listed[$0] == nil }
      // Flags that an earlier command explains are only listed by name.
      let earlier = Dictionary(grouping: command.declarations.filter { listed[$0] != nil }) { listed[$0] ?? "" }
      let shared = earlier.keys.sorted().map { place in
        let names = (earlier[place] ?? []).map { $0.isSecret ? $0.environment : "--\($0.name)" }
        return "Flags as in \(place): \(Self.code(names)).\n"
      }
      for declaration in new { listed[declaration] = "[\(command.name)](#\(command.words.joined(separator: "-")))" }
      let tables = (new.isEmpty ? [] : [Self.table(of: new)]) + shared
      return """
        ## \(command.name)

        ```text
        \(usage)
        ```

        \(Self.escaped(command.description))
        \(tables.map { "\n\($0)" }.joined())
        ```sh
        \(examples)```

        """
    }
    Golden.expect(
      """
      # vsperf commands

      <!-- make docs writes this page -->

      Every command of vsperf with its flags. `vsperf COMMAND --help` prints the same. [vsperf](README.md) explains what commands
      have in common.

      \(pages.joined(separator: "\n"))
      """, matches: Self.path("cli/reference.md"))
    let headed = CommandHelp.sections.flatMap(\.firstWords)
    for command in CommandTable.all.commands { #expect(headed.contains(command.words[0]), "vsperf --help lacks \(command.name)") }
  }

  private static func path(_ page: String) -> String { MarkdownPage.root.appendingPathComponent("Docs/\(page)").path }

  private static func table(of declarations: [SettingDeclaration]) -> String {
    let hasVariables = declarations.contains { !$0.environment.isEmpty }
    let head =
      hasVariables ? "| flag | variable | default | meaning |\n|---|---|---|---|" : "| flag | default | meaning |\n|---|---|---|"
    let rows = declarations.map { declaration in
      let flags =
        declaration.isSecret ? [] : ([declaration.name] + declaration.aliases).map { $0.count == 1 ? "-\($0)" : "--\($0)" }
      let variables = ([declaration.environment] + declaration.otherVariables).filter { !$0.isEmpty }
      let words = declaration.placeholder.split(separator: "|")
      // An uppercase word such as NAMES stands for any value.
      let isChoice = words.count > 1 && !words.contains { ["NAMES", "DIR"].contains($0) }
      let choice = isChoice ? " One of \(code(words.map(String.init)))." : ""
      var cells = [code(flags)]
      if hasVariables { cells.append(code(variables)) }
      cells.append(code(declaration.defaultText.map { $0.components(separatedBy: ", else ") } ?? [], separator: ", else "))
      cells.append(escaped(declaration.help) + choice)
      return "| \(cells.joined(separator: " | ")) |"
    }
    return ([head] + rows).joined(separator: "\n").replacing("|  |", with: "| |") + "\n"
  }

  private static func code(_ words: [String], separator: String = ", ") -> String {
    words.map { "`\($0)`" }.joined(separator: separator)
  }

  /// Escapes the characters that Markdown would interpret.
  private static func escaped(_ text: String) -> String {
    String(text.flatMap { "*<|".contains($0) ? ["\\", $0] : [$0] })
  }
}
