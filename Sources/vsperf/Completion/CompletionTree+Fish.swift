extension CompletionTree {
  var fish: String {
    """
    # Completion of \(program) for fish: ~/.config/fish/completions/\(program).fish
    function __\(program)_at
      set -l place
      set -l skip 0
      for word in (commandline -opc)[2..]
        if test $skip = 1
          set skip 0
          continue
        end
        switch $word
          case \(flagsWithValue.flatMap { ["--\($0.name)", "-\($0.name)"] }.joined(separator: " "))
            set skip 1
          case '-*'
          case '*'
            set -a place $word
        end
      end
      test "$place" = "$argv"
    end
    complete -c \(program) -f
    \(places.flatMap(fishLines).joined(separator: "\n"))

    """
  }

  private func fishLines(_ place: Place) -> [String] {
    let start = "complete -c \(program) -n '\((["__\(program)_at"] + place.words).joined(separator: " "))'"
    let next = place.next.map { "\(start) -a \($0.word) -d \(Self.fishQuoted($0.summary))" }
    let files = place.takesFiles ? ["\(start) -F"] : []
    return next + files + place.flags.map { "\(start) -l \($0.name) \(Self.fishValue($0.value))-d \(Self.fishQuoted($0.help))" }
  }

  private static func fishValue(_ value: Value) -> String {
    switch value {
    case .none: ""
    case .any: "-x "
    case .file: "-r -F "
    case .folder: "-x -a '(__fish_complete_directories)' "
    case .oneOf(let words): "-x -a '\(words.joined(separator: " "))' "
    }
  }

  private static func fishQuoted(_ text: String) -> String {
    "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
  }
}
