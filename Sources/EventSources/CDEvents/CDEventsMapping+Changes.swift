import PayloadReading
import ValueStreamCore

/// Maps tickets and changes.
extension CDEventsMapping {
  // MARK: Tickets

  func ticketEvents() -> [Event]? {
    guard ["created", "updated", "closed"].contains(predicate) else { return nil }
    let type = content.text("ticketType") ?? content.text("type")
    let labels = content.texts("labels")
    let isIncident = ClassificationSettings.isIncident(labels: labels ?? [], type: type, by: rules.incidentLabels)
    var event = Event(key: key(.ticket), time: time)
    event.usualOperation = .issue
    // An event with neither type nor labels does not change the operation.
    if type != nil || labels != nil { event.operation = isIncident ? .incident : .issue }
    event.name = payload.id
    event.project = content.text("group")
    event.state = predicate == "closed" ? .ended : .running
    switch predicate {
    case "created": event.marks = [.begin(time)]
    case "closed":
      event.marks = [.end(time)]
      event.outcome = Self.resolution(content.text("resolution"))
    default: break
    }
    event.publishes = payload.address.map { [Reference(.address, $0)] } ?? []
    event.attributes.add("valuestream.issue.id", payload.id)
    event.attributes.add("valuestream.issue.title", content.text("summary"))
    event.attributes.add("valuestream.issue.url", payload.address)
    event.attributes.add("valuestream.issue.type", type)
    event.attributes.add("valuestream.issue.labels", labels)
    event.attributes.add("valuestream.issue.priority", content.text("priority"))
    event.attributes.add("valuestream.issue.milestone", content.text("milestone"))
    event.attributes.add("valuestream.issue.author", content.text("creator"))
    event.attributes.add("valuestream.issue.assignees", content.texts("assignees"))
    event.attributes.add("valuestream.issue.resolution", content.text("resolution"))
    event.attributes += CDEventsClassicTags.all(payload)
    if predicate != "updated" {
      event.classic = ClassicMark(
        eventSource: "cdevents", type: isIncident ? "incident" : "issue", predicate == "created" ? .start : .end,
        state: predicate, time: time)
    }
    return tied(event, .ticket, as: predicate == "created" ? .first : .later)
  }

  /// Returns the outcome of a ticket. Trackers use words of their own, so every resolution that does not mean "not
  /// done" is completed.
  private static func resolution(_ text: String?) -> Outcome {
    let words = text?.lowercased().filter(\.isLetter) ?? ""
    let given = [
      "notplanned", "wontfix", "wontdo", "duplicate", "invalid", "rejected", "declined", "cannotreproduce", "withdrawn",
    ]
    return given.contains(words) ? .notPlanned : .completed
  }

  // MARK: Changes

  func changeEvents() -> [Event]? {
    var event = Event(key: key(.change), time: time)
    event.operation = .pullRequest
    event.state = .running
    let state: String
    switch predicate {
    case "created":
      event.marks = [.begin(time)]
      event.phases = [PhaseStatement(track: "review", name: "review", start: time.timestamp)]
      state = "open"
    case "updated":
      var attributes: [Attribute] = []
      attributes.add("vcs.ref.head.revision", payload.commit)
      event.spanEvents = [spanEvent("synchronize", attributes)]
      state = "open"
    case "reviewed":
      event.spanEvents = [spanEvent("review")]
      state = "open"
    case "merged", "abandoned":
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = predicate == "merged" ? .merged : .abandoned
      state = predicate == "merged" ? "merged" : "closed"
    default: return nil
    }
    let repository = repository
    event.name = [repository?.name, payload.id].compactMap { $0 }.joined(separator: " ")
    describe(repository, in: &event)
    let description = content.text("description")
    event.attributes.add("vcs.change.id", payload.id)
    event.attributes.add("vcs.change.title", description.flatMap { $0.split(whereSeparator: \.isNewline).first.map(String.init) })
    event.attributes.add("vcs.change.state", state)
    event.attributes.add("valuestream.change.url", payload.address)
    if let commit = payload.commit {
      event.publishes = [Reference(.commit, commit)]
      event.attributes.add(predicate == "merged" ? "valuestream.change.merge_revision" : "vcs.ref.head.revision", commit)
    }
    return tied(
      event, .change, as: predicate == "created" ? .first : .later, others: description.map { issues(in: $0, repository) } ?? [])
  }

  /// Returns the issues that a description names. They reach only the same owner, because anyone may have written the
  /// description.
  private func issues(in description: String, _ repository: Repository?) -> [FollowStatement] {
    let named = ClassicID.find(in: description).map { [Reference(.classicID, $0)] } ?? []
    let closed = ClosingWords.gitHub.issues(in: description).compactMap { issue -> Reference? in
      guard let name = issue.repository ?? repository?.name, let host = issue.host ?? repository?.host else { return nil }
      return .issue(issue.number, of: name, host: host)
    }
    return [
      FollowStatement(.explicitID, named, reach: .sameOwner), FollowStatement(.closingWords, closed, reach: .sameOwner),
    ]
  }

  // MARK: Repositories

  struct Repository {
    /// The full name, such as `acme/site`.
    let name: String
    let host: String?
    let address: String?
  }

  private var repository: Repository? {
    guard let object = content.object("repository"), let id = CDEventsPayload.identifier(object) else { return nil }
    let address = [object.text("uri"), object.text("url"), id].lazy.compactMap { $0 }.first { WebAddress.host($0) != nil }
    let named = WebAddress.path(id) ?? id
    let host = [address, object.text("source"), payload.context.source].lazy.compactMap { $0.flatMap(WebAddress.host) }.first
    return Repository(name: named, host: host, address: address.map(WebAddress.withoutUser))
  }

  private func describe(_ repository: Repository?, in event: inout Event) {
    guard let repository else { return }
    event.project = repository.name
    let parts = repository.name.split(separator: "/")
    if parts.count > 1, let host = repository.host { event.owner = "\(host)/\(parts[0])" }
    event.attributes.add("vcs.repository.name", parts.last.map(String.init))
    event.attributes.add("vcs.owner.name", parts.count > 1 ? parts.dropLast().joined(separator: "/") : nil)
    event.attributes.add("vcs.repository.url.full", repository.address)
  }
}
