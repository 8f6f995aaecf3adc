import ValueStreamCore

extension Command {
  static let completion = Command(
    words: ["completion"], summary: "print a completion script for your shell",
    description: """
      Prints a script that lets bash, zsh or fish complete commands, flags and their values.
      """,
    declarations: [], operands: Shell.allCases.map(\.rawValue).joined(separator: "|"),
    examples: [
      ("In bash, from ~/.bashrc", "source <(vsperf completion bash)"),
      ("In zsh, from ~/.zshrc after compinit", "source <(vsperf completion zsh)"),
      ("In fish", "vsperf completion fish > ~/.config/fish/completions/vsperf.fish"),
    ],
    run: { settings in
      let names = settings.operands.dropFirst()
      guard names.count == 1, let shell = names.first.flatMap(Shell.init) else {
        throw UsageError(
          "which shell? there is \(Shell.allCases.map(\.rawValue).joined(separator: ", "))", seeing: ["completion"])
      }
      var output = try OutputFile(path: nil)
      try output.write(Array(shell.script(for: CompletionTree(Program.commands, program: Program.name)).utf8))
      try output.flush()
    })
}

/// A shell with support for completion.
enum Shell: String, CaseIterable {
  case bash, zsh, fish

  func script(for tree: CompletionTree) -> String {
    switch self {
    case .bash: tree.bash
    case .zsh: tree.zsh
    case .fish: tree.fish
    }
  }
}
