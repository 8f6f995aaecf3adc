import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import vsd
@testable import vsperf

/// Compares the manual pages and completion scripts of a release with the declarations of flags and commands; `make docs`
/// writes them anew.
@Suite("Manual pages and completion")
struct ManualPageTests {
  @Test("Packaging/man/vsd.1 is what the declarations of vsd say")
  func daemon() {
    var page = ManualPage("vsd", summary: HelpPage.summary)
    page.section("Synopsis")
    page.literal("vsd [--flag=value ...]\nvsd check [repair] [--flag=value ...]\nvsd replay [apply] [--flag=value ...]")
    page.section("Description")
    page.paragraphs(HelpPage.description)
    page.section("Options")
    page.paragraphs(HelpPage.precedence)
    for section in HelpPage.sections {
      page.subsection(section.title)
      page.settings(section.declarations)
    }
    page.subsection("Help")
    page.item("--help, --help all", "Print the flags one is likely to need, or all flags.")
    page.item("--version", "Print the version.")
    page.section("Signals")
    page.item("SIGINT, SIGTERM", "Accept no more connections, answer what is in flight, bring spans up to date and exit with 0.")
    page.item(
      "SIGHUP",
      "Read secrets again from their files and from the configuration file. A file that is broken keeps its old secrets in use.")
    page.section("Files")
    page.item("/etc/valuestream/vsd.json5", "The settings of the service in packages, given with --config.")
    page.item("/var/lib/valuestream", "Its deliveries and spans.")
    page.exitCodes(HelpPage.exitCodes)
    page.section("See also")
    page.paragraphs("vsperf(1)")
    Golden.expect(page.text, matches: Self.path("man/vsd.1"))
  }

  @Test("Packaging/man/vsperf.1 is what the declarations of vsperf say")
  func commands() {
    var page = ManualPage("vsperf", summary: "command line of ValueStream: reports, imports, events, webhooks")
    page.section("Synopsis")
    page.literal("vsperf COMMAND [--flag=value ...]")
    page.section("Description")
    page.paragraphs(
      "Flags take one dash or two, = or a space before the value, and stand anywhere. COMMAND --help prints one command.")
    page.section("Commands")
    var explained: [SettingDeclaration: String] = [:]
    for command in CommandTable.all.commands {
      page.subsection("vsperf \(command.name)\(command.operands.map { " \($0)" } ?? "")")
      page.paragraphs(command.description)
      let new = command.declarations.filter { explained[$0] == nil }
      let earlier = Dictionary(grouping: command.declarations.filter { explained[$0] != nil }) { explained[$0] ?? "" }
      page.settings(new)
      for place in earlier.keys.sorted() {
        let names = (earlier[place] ?? []).map { $0.isSecret ? $0.environment : "--\($0.name)" }
        page.paragraphs("As in \(place): \(names.joined(separator: ", ")).")
      }
      for declaration in new { explained[declaration] = command.name }
      page.literal(command.examples.map { "# \($0.text)\n\($0.command)" }.joined(separator: "\n\n"))
    }
    page.exitCodes(CommandHelp.exitCodes)
    page.section("See also")
    page.paragraphs("vsd(1)")
    Golden.expect(page.text, matches: Self.path("man/vsperf.1"))
  }

  @Test("the completion scripts of vsd are what its declarations say", arguments: Shell.allCases)
  func completion(shell: Shell) {
    let flags = CompletionTree.flags(of: DaemonSettings.declarations)
    let commands = [
      (CheckCommand.name, "list what is damaged in the store", CheckCommand.repair),
      (ReplayCommand.name, "project stored deliveries again and compare", ReplayCommand.application),
    ]
    var places = [CompletionTree.Place(words: [], next: commands.map { ($0.0, $0.1) }, flags: flags, takesFiles: false)]
    for (command, _, change) in commands {
      places.append(CompletionTree.Place(words: [command], next: [(change, "")], flags: flags, takesFiles: false))
      places.append(CompletionTree.Place(words: [command, change], next: [], flags: flags, takesFiles: false))
    }
    let tree = CompletionTree(program: "vsd", places: places)
    Golden.expect(shell.script(for: tree), matches: Self.path("completions/vsd.\(shell.rawValue)"))
  }

  @Test("man shows the pages without a warning", .enabled(if: PackagingTests.run("man", "--version").code == 0))
  func warnings() {
    for name in ["vsd", "vsperf"] {
      let shown = PackagingTests.run(
        "env", "LC_ALL=C.UTF-8", "MANWIDTH=100", "man", "--warnings=all", "--encoding=utf8", "--local-file",
        Self.path("man/\(name).1"))
      #expect(shown.code == 0 && shown.output.contains("EXIT STATUS"), "\(shown.output.suffix(400))")
      #expect(!shown.output.contains("warning"), "\(shown.output.split(separator: "\n").filter { $0.contains("warning") })")
    }
  }

  @Test("mandoc finds nothing wrong", .enabled(if: PackagingTests.run("sh", "-c", "command -v mandoc").code == 0))
  func lint() {
    for name in ["vsd", "vsperf"] {
      let page = "sed -e s/@DATE@/2026-01-01/ -e s/@VERSION@/1.0.0/ \(Self.path("man/\(name).1"))"
      let checked = PackagingTests.run("sh", "-c", "\(page) | mandoc -Tlint -W warning")
      #expect(checked.code == 0 && checked.output.isEmpty, "\(checked.output)")
    }
  }

  @Test("bash completes the commands and flags of vsd")
  func bash() {
    for (words, offered) in [
      ("''", "check replay"), ("check ''", "repair"), ("replay ''", "apply"), ("--listen", "--listening-file"),
      ("--log-level ''", "debug info warn error"), ("--log-level = d", "debug"), ("replay --export-i", "--export-imported"),
    ] {
      let script =
        "source \(Self.path("completions/vsd.bash")); compopt() { :; }; COMP_WORDS=(vsd \(words)); "
        + "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vsd; echo \"${COMPREPLY[*]}\""
      #expect(PackagingTests.run("bash", "-c", script).output == "\(offered)\n", "vsd \(words)")
    }
  }

  @Test("each shell takes its script", arguments: [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
  func syntax(shell: String, option: String) {
    guard PackagingTests.run(shell, "--version").code == 0 else { return }
    let checked = PackagingTests.run(shell, option, Self.path("completions/vsd.\(shell)"))
    #expect(checked.code == 0 && checked.output.isEmpty, "\(checked.output)")
  }

  private static func path(_ name: String) -> String { MarkdownPage.root.appendingPathComponent("Packaging/\(name)").path }
}
