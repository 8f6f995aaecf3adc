import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import vsperf

@Suite("vsperf completion")
struct CompletionTests {
  /// Returns the completions that bash offers for the last word.
  private static func offered(_ words: String...) throws -> [String] {
    let script = try VSPerf.run(["completion", "bash"])
    #expect(script.exit == .code(0), "\(script.errors)")
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    // Replace `compopt`, which works only during a completion.
    let shell = try ChildProcess(
      "/bin/bash",
      [
        "-c",
        "\(script.output)\ncompopt() { :; }; COMP_WORDS=(vsperf \(list)); COMP_CWORD=\(words.count); _vsperf; printf '%s\\n' \"${COMPREPLY[@]}\"",
      ],
      environment: ["PATH": "/usr/bin:/bin"])
    #expect(try shell.waitForExit() == .code(0))
    #expect(shell.errors == "")
    return shell.outputLines.filter { !$0.isEmpty }
  }

  @Test(
    "bash offers commands, flags and their words, wherever flags stand",
    .enabled(if: FileManager.default.fileExists(atPath: "/bin/bash")))
  func bash() throws {
    #expect(try Self.offered("gi") == ["github", "gitlab"])
    #expect(try Self.offered("github", "") == ["pull-requests", "issues", "workflow-runs", "deployments"])
    #expect(try Self.offered("github", "pull-requests", "--max") == ["--max-repos", "--max-prs"])
    #expect(try Self.offered("--org", "acme", "github", "wor") == ["workflow-runs"])
    #expect(try Self.offered("github", "pull-requests", "--pr-state", "") == ["CLOSED", "MERGED", "OPEN"])
    #expect(try Self.offered("github", "pull-requests", "--pr-state", "=", "M") == ["MERGED"])
    #expect(try Self.offered("github", "pull-requests", "--pr-state", "=") == ["CLOSED", "MERGED", "OPEN"])
    #expect(try Self.offered("github", "pull-requests", "--org", "") == [])
    #expect(try Self.offered("event", "run", "--", "") == [])
    #expect(try Self.offered("completion", "") == ["bash", "zsh", "fish"])
    #expect(try Self.offered("traceparent", "--he") == ["--help"])
  }

  @Test("every command and every flag is in the script of each shell", arguments: Shell.allCases)
  func complete(shell: Shell) throws {
    let script = shell.script(for: CompletionTree(.all, program: "vsperf"))
    for command in CommandTable.all.commands {
      for word in command.words { #expect(script.contains(word), "\(word)") }
      for declaration in command.declarations where !declaration.isSecret {
        #expect(script.contains(shell == .fish ? "-l \(declaration.name) " : "--\(declaration.name)"), "\(declaration.name)")
      }
    }
  }

  @Test(
    "each shell takes its script",
    arguments: [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
  func syntax(shell: String, arguments: [String]) throws {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let program = folders.map({ "\($0)/\(shell)" }).first(where: FileManager.default.isExecutableFile) else { return }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("completion-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try (try VSPerf.run(["completion", shell])).output.write(toFile: file, atomically: true, encoding: .utf8)
    let check = try ChildProcess(program, arguments + [file], environment: [:])
    #expect(try check.waitForExit() == .code(0), "\(check.errors)")
  }

  @Test("no shell, or another: a mistake", arguments: [["completion"], ["completion", "csh"], ["completion", "bash", "zsh"]])
  func mistakes(arguments: [String]) throws {
    let result = try VSPerf.run(arguments)
    #expect(result.exit == .code(64))
    #expect(result.errors == "vsperf: which shell? there is bash, zsh, fish; vsperf completion --help says more\n")
  }
}
