extension Interpretation {
  /// The whole interpretation as text for people, one fact per line.
  ///
  /// The golden files of the sources use this format.
  public var explanation: String {
    switch self {
    case .ignored(let reason): return "ignored: \(reason)\n"
    case .exclusion(let change):
      return "\(change.action.rawValue) \(change.item)\n  reason \(change.reason)\n  actor \(change.actor)\n"
    case .events(let events, let updates):
      return (events.map(\.explanation) + updates.map(\.explanation)).joined(separator: "\n")
    }
  }
}

extension PayloadError {
  /// Where and why a payload cannot be read, in the format of ``Interpretation/explanation``.
  public var explanation: String { "unreadable: \(path): \(reason)\n" }
}

extension BranchUpdate {
  fileprivate var explanation: String {
    """
    branch \(branch)
      \(kind)
      time \(time.explanation)
      \(before ?? "none") -> \(after ?? "none")\(isForced ? " forced" : "")\(isDefaultBranch ? " default branch" : "")\(isCutShort ? " cut short" : "")
      commits \(commits.map(\.explanation).joined(separator: " "))

    """
  }
}

extension Event {
  fileprivate var explanation: String {
    var lines = ["event \(key)"]
    func add(_ name: String, _ value: Any?) {
      if let value { lines.append("  \(name) \(value)") }
    }
    add("operation", operation?.rawValue)
    add("usual operation", usualOperation?.rawValue)
    add("name", name)
    add("project", project)
    add("owner", owner)
    add("time", time.explanation)
    add("attempt", attempt)
    add("state", state)
    for mark in marks { add("\(mark.kind)", mark.time.explanation) }
    add("outcome", outcome?.rawValue)
    for reference in publishes { add("publishes", reference) }
    for statement in follows {
      let found = statement.references.map(\.description).joined(separator: ", ")
      let attempt = statement.attempt.map { " attempt \($0)" } ?? ""
      add("follows", "\(statement.rule.name) \(statement.reach): \(found.isEmpty ? "nothing" : found)\(attempt)")
    }
    for link in links { add("link", "\(link.rule): \(link.reference)") }
    for phase in phases {
      let outcome = phase.outcome.map { ", \($0.rawValue)" } ?? ""
      let seen = phase.seen.map { ", seen \($0)" } ?? ""
      let earliest = phase.earliestStart.map { ", not before \($0)" } ?? ""
      let times = "\(phase.start?.rfc3339 ?? "?") to \(phase.end?.rfc3339 ?? "?")"
      add("phase", "\(phase.track)/\(phase.name) \(times)\(seen)\(earliest)\(outcome)")
    }
    for spanEvent in spanEvents {
      add("moment", "\(spanEvent.name) at \(spanEvent.time)")
      for attribute in spanEvent.attributes { lines.append("    \(attribute.explanation)") }
    }
    for vocabulary in AttributeVocabulary.allCases {
      for attribute in attributes where attribute.vocabulary == vocabulary {
        add("\(vocabulary)", attribute.explanation)
      }
    }
    if let classic {
      let begin = classic.begin.map { ", begun \($0.explanation)" } ?? ""
      let error = classic.isError ? ", error" : ""
      add(
        "classic span",
        "\(classic.transition) of \(classic.eventSource) \(classic.type) at \(classic.time.explanation)\(begin)\(error)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension EventTime {
  fileprivate var explanation: String { "\(timestamp)\(isVendor ? "" : " (receipt)")" }
}

extension Attribute {
  fileprivate var explanation: String {
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

extension BranchCommit {
  /// The commit, with its services if they are known: `a1b2 (cart, till)`.
  fileprivate var explanation: String {
    services.map { "\(id) (\($0.isEmpty ? "no service" : $0.joined(separator: ", ")))" } ?? id
  }
}
