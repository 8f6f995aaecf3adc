package import ValueStreamCore

extension Interpretation {
  /// Everything an interpretation says, one fact a line: what golden files of sources hold.
  package var goldenText: String {
    switch self {
    case .ignored(let reason): return "ignored: \(reason)\n"
    case .events(let events, let updates):
      return (events.map(\.goldenText) + updates.map(\.goldenText)).joined(separator: "\n")
    }
  }
}

extension BranchUpdate {
  fileprivate var goldenText: String {
    """
    branch \(branch)
      \(kind)
      time \(time.goldenText)
      \(before ?? "none") -> \(after ?? "none")\(isForced ? " forced" : "")\(isDefaultBranch ? " default branch" : "")
      commits \(commits.joined(separator: " "))

    """
  }
}

extension Event {
  fileprivate var goldenText: String {
    var lines = ["event \(key)"]
    func add(_ name: String, _ value: Any?) {
      if let value { lines.append("  \(name) \(value)") }
    }
    add("operation", operation?.rawValue)
    add("name", name)
    add("project", project)
    add("owner", owner)
    add("time", time.goldenText)
    add("attempt", attempt)
    add("state", state)
    for mark in marks { add("\(mark.kind)", mark.time.goldenText) }
    add("outcome", outcome?.rawValue)
    for reference in publishes { add("publishes", reference) }
    for statement in follows {
      let found = statement.references.map(\.description).joined(separator: ", ")
      let attempt = statement.attempt.map { " attempt \($0)" } ?? ""
      add("follows", "\(statement.rule.name) \(statement.reach): \(found.isEmpty ? "nothing" : found)\(attempt)")
    }
    for link in links { add("link", "\(link.rule): \(link.reference)") }
    for phase in phases {
      add(
        "phase",
        "\(phase.track)/\(phase.name) \(phase.start?.rfc3339 ?? "?") to \(phase.end?.rfc3339 ?? "?")\(phase.outcome.map { ", \($0.rawValue)" } ?? "")"
      )
    }
    for moment in moments {
      add("moment", "\(moment.name) at \(moment.time)")
      for attribute in moment.attributes { lines.append("    \(attribute.goldenText)") }
    }
    for vocabulary in AttributeVocabulary.allCases {
      for attribute in attributes where attribute.vocabulary == vocabulary {
        add("\(vocabulary)", attribute.goldenText)
      }
    }
    if let classic {
      let begin = classic.begin.map { ", begun \($0.goldenText)" } ?? ""
      let error = classic.isError ? ", error" : ""
      add(
        "classic span",
        "\(classic.transition) of \(classic.eventSource) \(classic.type) at \(classic.time.goldenText)\(begin)\(error)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension EventTime {
  fileprivate var goldenText: String { "\(timestamp)\(isVendor ? "" : " (receipt)")" }
}

extension Attribute {
  fileprivate var goldenText: String {
    let text =
      switch value {
      case .string(let text): "\"\(text)\""
      case .int(let number): "\(number)"
      case .double(let number): "\(number) (double)"
      case .bool(let flag): "\(flag)"
      case .strings(let texts): "\(texts)"
      case .null: "null"
      }
    return "\(name) = \(text)"
  }
}
