import PayloadReading
import ValueStreamCore

/// Turns a payload into events; a pure function of the payload, its time of receipt and the user's rules.
///
/// Here is what all kinds have in common; the extensions hold a kind of thing each.
struct GitLabMapping {
  let payload: GitLabPayload
  let received: Timestamp
  let rules: GitLabRules

  func interpretation() throws(PayloadError) -> Interpretation {
    switch payload.kind {
    case "issue", "work_item": .events([try issueEvent()])
    case "merge_request": .events([try mergeRequestEvent()])
    case "pipeline": .events(try pipelineEvents())
    case "build", "job": .events(try jobEvents())
    case "deployment": .events([try deploymentEvent()])
    case "release": .events([try releaseEvent()])
    case "note": try noteInterpretation()
    case "push": try pushInterpretation()
    case "tag_push": .ignored(reason: "a push of a tag, which is no branch")
    default: .ignored(reason: "\(payload.kind) is not supported")
    }
  }

  // MARK: Identity

  func key(_ kind: String, _ id: String, container: String) -> SpanKey {
    GitLabKey.make(kind, id, container: container, host: payload.host)
  }

  func key(_ kind: String, _ id: Int64, of project: GitLabProject) -> SpanKey {
    key(kind, String(id), container: project.keyPart)
  }

  func key(_ kind: String, _ number: ThingNumber, of project: GitLabProject) -> SpanKey {
    key(kind, number.keyPart, container: project.keyPart)
  }

  /// A thing of another project that GitLab knows by its number only.
  func key(_ kind: String, _ id: Int64, ofProject project: Int64?, else own: GitLabProject) -> SpanKey {
    key(kind, String(id), container: project.map(String.init) ?? own.keyPart)
  }

  /// Stands in for an end that the payload does not tell, by the last time that it does: one that another payload tells counts before
  /// it, and what ends so has no known duration.
  func standIn(_ time: Timestamp?) -> EventTime { .receipt(time ?? received) }

  // MARK: Descriptions

  func describe(_ project: GitLabProject?, in event: inout Event) {
    event.attributes.append(Attribute("vcs.provider.name", "gitlab"))
    guard let project else { return }
    event.project = project.path
    // The group at the top: projects of one company share it.
    event.owner = project.owner?.split(separator: "/").first.map { "\(payload.host)/\($0)" }
    event.attributes.add("vcs.repository.name", project.path.split(separator: "/").last.map(String.init))
    event.attributes.add("vcs.owner.name", project.owner)
    event.attributes.add("vcs.repository.url.full", project.url)
  }

  func describeHead(_ sha: String?, ref: String?, isTag: Bool, in event: inout Event) {
    event.attributes.add("vcs.ref.head.name", ref)
    event.attributes.add("vcs.ref.head.revision", sha)
    if ref != nil { event.attributes.append(Attribute("vcs.ref.head.type", .string(isTag ? "tag" : "branch"))) }
  }

  // MARK: References

  func followLink(_ references: [Reference]) -> [FollowStatement] {
    references.isEmpty ? [] : [FollowStatement(.vendorLink, references)]
  }

  /// What people write in a project about where their work belongs.
  func written(in project: GitLabProject, reach: ReferenceReach) -> WrittenReferences {
    WrittenReferences(.gitLab, reach: reach) { issue in
      let own = issue.repository == nil ? Reference.key(key("issue", issue.number, of: project)) : nil
      return [own, .issue(issue.number, of: issue.repository ?? project.path, host: issue.host ?? payload.host)]
        .compactMap { $0 }
    }
  }

  /// The change that a commit belongs to.
  func followCommit(_ sha: String?) -> FollowStatement {
    FollowStatement(.commit, sha.map { [Reference(.commit, $0.lowercased())] } ?? [])
  }

  func classicID(_ type: String, of name: String, _ id: some CustomStringConvertible) -> Reference {
    Reference(.classicID, ClassicID.make(source: "gitlab", type: type, namespace: name, id: "\(id)"))
  }

  // MARK: Issues and merge requests

  /// Labels that came or went, as the payload's list of changes tells.
  func labelMoments(at time: Timestamp) -> [SpanEvent] {
    guard let labels = payload.root.object("changes")?.object("labels") else { return [] }
    let previous = labels.objects("previous").compactMap { $0.text("title") }
    let current = labels.objects("current").compactMap { $0.text("title") }
    func moment(_ name: String, _ label: String) -> SpanEvent {
      SpanEvent(name: name, time: time, attributes: [Attribute("valuestream.label.name", .string(label))])
    }
    return current.filter { !previous.contains($0) }.map { moment("labeled", $0) }
      + previous.filter { !current.contains($0) }.map { moment("unlabeled", $0) }
  }

  /// Nil where the payload does not list them.
  func labels(of object: PayloadObject) -> [String]? {
    guard let holder = [object, payload.root].first(where: { $0.has("labels") }) else { return nil }
    return holder.objects("labels").compactMap { $0.text("title") }
  }

  /// What an action does to the classic picture: only a change of state does anything. Scripts that send no action mean the
  /// state.
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
