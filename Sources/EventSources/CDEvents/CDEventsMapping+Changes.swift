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
    event.attributes.add(AttributeName.valuestreamIssueID, payload.id)
    event.attributes.add(AttributeName.valuestreamIssueTitle, content.text("summary"))
    event.attributes.add(AttributeName.valuestreamIssueURL, payload.address)
    event.attributes.add(AttributeName.valuestreamIssueType, type)
    event.attributes.add(AttributeName.valuestreamIssueLabels, labels)
    event.attributes.add(AttributeName.valuestreamIssuePriority, content.text("priority"))
    event.attributes.add(AttributeName.valuestreamIssueMilestone, content.text("milestone"))
    event.attributes.add(AttributeName.valuestreamIssueAuthor, content.text("creator"))
    event.attributes.add(AttributeName.valuestreamIssueAssignees, content.texts("assignees"))
    event.attributes.add(AttributeName.valuestreamIssueResolution, content.text("resolution"))
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
      attributes.add(AttributeName.vcsRefHeadRevision, payload.commit)
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
    event.attributes.add(AttributeName.vcsChangeID, payload.id)
    event.attributes.add(
      AttributeName.vcsChangeTitle, description.flatMap { $0.split(whereSeparator: \.isNewline).first.map(String.init) })
    event.attributes.add(AttributeName.vcsChangeState, state)
    event.attributes.add(AttributeName.valuestreamChangeURL, payload.address)
    if let commit = payload.commit {
      event.publishes = [Reference(.commit, commit)]
      event.attributes.add(
        predicate == "merged" ? AttributeName.valuestreamChangeMergeRevision : AttributeName.vcsRefHeadRevision, commit)
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
    event.attributes.add(AttributeName.vcsRepositoryName, parts.last.map(String.init))
    event.attributes.add(AttributeName.vcsOwnerName, parts.count > 1 ? parts.dropLast().joined(separator: "/") : nil)
    event.attributes.add(AttributeName.vcsRepositoryURLFull, repository.address)
  }
}
