import ValueStreamCore

extension Team {
  func issueTitle(of kind: Issue.Kind, in repository: Repository) -> String {
    let wording = repository.plan.wording
    let part = random.pick(wording.parts) ?? "page"
    switch kind {
    case .bug: return "\(part.prefix(1).uppercased())\(part.dropFirst()) \(random.pick(wording.symptoms) ?? "is broken")"
    case .feature: return "\(random.pick(wording.wishes) ?? "Improve the") \(part)"
    case .task: return choreTitle(in: repository)
    }
  }

  func choreTitle(in repository: Repository) -> String {
    let wording = repository.plan.wording
    return "\(random.pick(wording.chores) ?? "Tidy up the") \(random.pick(wording.parts) ?? "page")"
  }

  func issueBody(of kind: Issue.Kind) -> String {
    switch kind {
    case .bug:
      return """
        \(random.pick("A merchant wrote to us about this.", "Seen in staging, too.", "It does not happen every time."))

        **Steps**
        1. \(random.pick("Log in with a fresh account", "Open it on a phone", "Use a slow connection", "Take an account with many entries"))
        2. \(random.pick("Go back and forth twice", "Wait for a minute", "Send the form empty", "Change the language"))

        **Expected:** \(random.pick("nothing special", "what the page said before", "an error that says what to do"))
        """
    case .feature:
      return
        "\(random.pick("Asked for by several merchants.", "Came up in the last round of interviews.", "Support would save time."))"
        + "\n\nDone when \(random.pick("it is behind no flag any more", "the help page shows it", "we see in the numbers that it is used"))."
    case .task:
      return random.pick("No change for users.", "Keeps the next feature small.", "We agreed on it in the retrospective.")
    }
  }

  func commentText() -> String {
    random.pick(
      "I can reproduce this.", "Let us talk about it on Thursday.", "Same as what we had in spring, I think.",
      "Would a smaller first step help?", "Done on staging, please have a look.", "Thanks, that explains it.",
      "I will take this after the release.")
  }

  /// Returns the first significant words of a title, joined by hyphens as in branch names.
  static func slug(_ title: String) -> String {
    let words = title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return words.filter { !["the", "of", "a", "in", "is", "for", "to"].contains($0) }.prefix(4).joined(separator: "-")
  }

  /// Returns random files that a commit adds and modifies.
  func touchedFiles(in repository: Repository) -> (added: [String], modified: [String]) {
    let files = repository.plan.wording.files
    let modified = (0...random.below(3)).compactMap { _ in random.pick(files) }
    let added = random.chance(0.25) ? ["test/case_\(random.below(900) + 100).txt"] : []
    return (added, Array(Set(modified)).sorted())
  }
}
