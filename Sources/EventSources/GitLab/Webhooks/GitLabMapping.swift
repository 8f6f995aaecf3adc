import PayloadReading
import ValueStreamCore

/// Turns a payload into events. The result depends only on the payload, its time of receipt and the user's rules.
///
/// This file holds what all event types share. Each extension handles one kind of subject.
struct GitLabMapping {
  let payload: GitLabPayload
  let received: Timestamp
  let rules: GitLabRules

  func interpretation() throws(PayloadError) -> Interpretation {
    guard let event = GitLabReadEvent(rawValue: payload.kind) else {
      return .ignored(
        reason: payload.kind == "tag_push" ? "a push of a tag, which is no branch" : "\(payload.kind) is not supported")
    }
    return switch event {
    case .issue, .workItem: .events([try issueEvent()])
    case .mergeRequest: .events([try mergeRequestEvent()])
    case .pipeline: .events(try pipelineEvents())
    case .build, .job: .events(try jobEvents())
    case .deployment: .events([try deploymentEvent()])
    case .release: .events([try releaseEvent()])
    case .note: try noteInterpretation()
    case .push: try pushInterpretation()
    }
  }

  // MARK: Identity

  func key(_ kind: String, _ id: String, container: String) -> SubjectKey {
    GitLabKey.make(kind, id, container: container, host: payload.host)
  }

  func key(_ kind: String, _ id: Int64, of project: GitLabProject) -> SubjectKey {
    key(kind, String(id), container: project.keyPart)
  }

  func key(_ kind: String, _ number: ItemNumber, of project: GitLabProject) -> SubjectKey {
    key(kind, number.keyPart, container: project.keyPart)
  }

  /// Returns the key of a subject in a project of which GitLab sends only the id. A missing id stands for the
  /// payload's own project.
  func key(_ kind: String, _ id: Int64, ofProject project: Int64?, else own: GitLabProject) -> SubjectKey {
    key(kind, String(id), container: project.map(String.init) ?? own.keyPart)
  }

  /// Marks a time as a stand-in for one that the payload lacks; nil stands for the time of receipt.
  ///
  /// The result ranks as a time of receipt, so that a vendor time from another payload wins. Ends with a stand-in
  /// time count in no duration.
  func standIn(_ time: Timestamp?) -> EventTime { .receipt(time ?? received) }

  // MARK: Descriptions

  func describe(_ project: GitLabProject?, in event: inout Event) {
    event.attributes.append(Attribute(AttributeName.vcsProviderName, "gitlab"))
    guard let project else { return }
    event.project = project.path
    // The owner is the top-level group, which the projects of a company share.
    event.owner = project.owner?.split(separator: "/").first.map { "\(payload.host)/\($0)" }
    event.attributes.add(AttributeName.vcsRepositoryName, project.path.split(separator: "/").last.map(String.init))
    event.attributes.add(AttributeName.vcsOwnerName, project.owner)
    event.attributes.add(AttributeName.vcsRepositoryURLFull, project.url)
  }

  func describeHead(_ sha: String?, ref: String?, isTag: Bool, in event: inout Event) {
    event.attributes.add(AttributeName.vcsRefHeadName, ref)
    event.attributes.add(AttributeName.vcsRefHeadRevision, sha)
    if ref != nil { event.attributes.append(Attribute(AttributeName.vcsRefHeadType, .string(isTag ? "tag" : "branch"))) }
  }

  // MARK: References

  func followLink(_ references: [Reference]) -> [FollowStatement] {
    references.isEmpty ? [] : [FollowStatement(.vendorLink, references)]
  }

  /// Reads the references that people write in a project's branches, titles, descriptions and commit messages.
  func written(in project: GitLabProject, reach: ReferenceReach) -> WrittenReferences {
    WrittenReferences(.gitLab, reach: reach) { issue in
      let own = issue.repository == nil ? Reference.key(key("issue", issue.number, of: project)) : nil
      return [own, .issue(issue.number, of: issue.repository ?? project.path, host: issue.host ?? payload.host)]
        .compactMap { $0 }
    }
  }

  /// States that the parent is the change that the commit belongs to.
  func followCommit(_ sha: String?) -> FollowStatement {
    FollowStatement(.commit, sha.map { [Reference(.commit, $0.lowercased())] } ?? [])
  }

  func classicID(_ type: String, of name: String, _ id: some CustomStringConvertible) -> Reference {
    Reference(.classicID, ClassicID.make(source: "gitlab", type: type, namespace: name, id: "\(id)"))
  }

  // MARK: Issues and merge requests

  /// Returns span events for the labels that were added or removed, from `changes` in the payload.
  func labelEvents(at time: Timestamp) -> [SpanEvent] {
    guard let labels = payload.root.object("changes")?.object("labels") else { return [] }
    let previous = labels.objects("previous").compactMap { $0.text("title") }
    let current = labels.objects("current").compactMap { $0.text("title") }
    func spanEvent(_ name: String, _ label: String) -> SpanEvent {
      SpanEvent(name: name, time: time, attributes: [Attribute(AttributeName.valuestreamLabelName, .string(label))])
    }
    return current.filter { !previous.contains($0) }.map { spanEvent("labeled", $0) }
      + previous.filter { !current.contains($0) }.map { spanEvent("unlabeled", $0) }
  }

  /// Returns the labels. Nil if the payload does not list them.
  func labels(of object: PayloadObject) -> [String]? {
    guard let holder = [object, payload.root].first(where: { $0.has("labels") }) else { return nil }
    return holder.objects("labels").compactMap { $0.text("title") }
  }

  /// Returns how an action changes the classic span of an issue or merge request. Nil if it changes nothing.
  ///
  /// Only a change of state counts. Scripts that send no action report the state itself.
  func classicMark(
    type: String, action: String?, state: String?, isOver: Bool, created: Timestamp?, at time: EventTime
  ) -> ClassicMark? {
    let isStart = action.map { ["open", "reopen"].contains($0) } ?? (state == "opened" || state == "reopened")
    let isEnd = action.map { ["close", "merge"].contains($0) } ?? isOver
    guard isStart || isEnd else { return nil }
    return ClassicMark(
      eventSource: "gitlab", type: type, isStart ? .start : .end, state: state ?? "",
      time: isStart && action != "reopen" ? .vendor(created, orReceipt: received) : time,
      begin: isStart ? nil : created.map(EventTime.vendor))
  }
}
