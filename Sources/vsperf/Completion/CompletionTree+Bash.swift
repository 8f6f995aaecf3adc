extension CompletionTree {
  /// The completion script for bash. Bash splits words at `=`, so a flag and its value may be three words.
  var bash: String {
    """
    # Completion of \(program) for bash: source <(\(program) completion bash)
    _\(program)() {
      local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flag= place= skip= word
      if [[ $cur == = ]]; then
        cur= flag=$prev
      elif [[ $prev == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
      else
        flag=$prev
      fi
      COMPREPLY=()
      for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $word == = ]]; then skip=1; continue; fi
        if [[ -n $skip ]]; then skip=; continue; fi
        case $word in
          --) compopt -o default; return ;;
          \(Self.pattern(flagsWithValue))) skip=1 ;;
          -*) ;;
          *) place="$place $word" ;;
        esac
      done
      case "$place $flag" in
    \(places.flatMap(bashValues).joined(separator: "\n"))
      esac
      if [[ -n $skip ]]; then return; fi
      local flags= next=
      case $place in
    \(places.map(bashPlace).joined(separator: "\n"))
      esac
      if [[ $cur == -* ]]; then next="$flags --help"; fi
      COMPREPLY=($(compgen -W "$next" -- "$cur"))
    }
    complete -F _\(program) \(program)

    """
  }

  private func bashValues(_ place: Place) -> [String] {
    let prefix = place.words.map { " \($0)" }.joined()
    return place.flags.compactMap { flag in
      let answer: String
      switch flag.value {
      case .none, .any: return nil
      case .file: answer = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))"
      case .folder: answer = "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))"
      case .oneOf(let words): answer = "COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- \"$cur\"))"
      }
      return "    '\(prefix) --\(flag.name)'|'\(prefix) -\(flag.name)') \(answer); return ;;"
    }
  }

  private func bashPlace(_ place: Place) -> String {
    let words = place.words.map { " \($0)" }.joined()
    let files = place.takesFiles ? "; compopt -o default" : ""
    return "    '\(words)'\(place.takesFiles ? "*" : "")) "
      + "flags='\(place.flags.map { "--\($0.name)" }.joined(separator: " "))' "
      + "next='\(place.next.map(\.word).joined(separator: " "))'\(files) ;;"
  }
}
