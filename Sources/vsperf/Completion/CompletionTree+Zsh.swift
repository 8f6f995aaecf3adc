extension CompletionTree {
  var zsh: String {
    """
    #compdef \(program)
    # Completion of \(program) for zsh: source <(\(program) completion zsh), or a file _\(program) in a folder of fpath.
    _\(program)() {
      local flag=${words[CURRENT-1]} place= skip= word
      local -a next flags
      for word in ${words[2,CURRENT-1]}; do
        if [[ -n $skip ]]; then skip=; continue; fi
        case $word in
          --) _normal; return ;;
          \(Self.pattern(flagsWithValue))) skip=1 ;;
          -*) ;;
          *) place="$place $word" ;;
        esac
      done
      if [[ $PREFIX == -*=* ]]; then
        flag=${PREFIX%%=*} skip=1
        compset -P '*='
      fi
      case "$place $flag" in
    \(places.flatMap(zshValues).joined(separator: "\n"))
      esac
      if [[ -n $skip ]]; then return; fi
      case $place in
    \(places.map(zshPlace).joined(separator: "\n"))
      esac
      if [[ $PREFIX == -* ]]; then
        _describe -o flag flags
      elif (( $#next )); then
        _describe command next
      else
        _files
      fi
    }
    if [[ ${funcstack[1]} == _\(program) ]]; then _\(program) "$@"; else compdef _\(program) \(program); fi

    """
  }

  private func zshValues(_ place: Place) -> [String] {
    let prefix = place.words.map { " \($0)" }.joined()
    return place.flags.compactMap { flag in
      let answer: String
      switch flag.value {
      case .none, .any: return nil
      case .file: answer = "_files"
      case .folder: answer = "_files -/"
      case .oneOf(let words): answer = "compadd -- \(words.joined(separator: " "))"
      }
      return "    '\(prefix) --\(flag.name)'|'\(prefix) -\(flag.name)') \(answer); return ;;"
    }
  }

  private func zshPlace(_ place: Place) -> String {
    let next = place.next.map { Self.quoted($0.summary.isEmpty ? $0.word : "\($0.word):\($0.summary)") }
    let flags = place.flags.map { Self.quoted("--\($0.name):\($0.help)") } + ["'--help:Print what it does'"]
    let words = place.words.map { " \($0)" }.joined()
    return "    '\(words)'\(place.takesFiles ? "*" : "")) next=(\(next.joined(separator: " "))) "
      + "flags=(\(flags.joined(separator: " "))) ;;"
  }
}
