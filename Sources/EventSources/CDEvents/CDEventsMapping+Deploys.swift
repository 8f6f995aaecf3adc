import PayloadReading
import ValueStreamCore

/// Maps artifacts, deploys, environments and incidents.
extension CDEventsMapping {
  // MARK: Artifacts

  /// Maps an artifact to a release, which is made when the artifact is published. Earlier facts wait without a span.
  func artifactEvents() -> [Event]? {
    let package = PackageURL(payload.id)
    var attributes: [Attribute] = []
    attributes.add(AttributeName.valuestreamArtifactUser, content.text("user"))
    var event = Event(key: key(.artifact), time: time)
    event.name = [package?.name ?? payload.id, package?.version].compactMap { $0 }.joined(separator: " ")
    event.project = package?.name
    event.attributes.add(AttributeName.artifactPurl, package?.text)
    event.attributes.add(AttributeName.artifactVersion, package?.version)
    event.attributes.add(AttributeName.valuestreamArtifactSbom, content.object("sbom")?.text("uri").map(WebAddress.withoutUser))
    let standing: Standing
    switch predicate {
    case "packaged":
      event.marks = [.begin(time)]
      standing = .first
    case "signed", "downloaded", "deleted": standing = .later
    case "published":
      standing = .second
      event.operation = .release
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = .success
      event.attributes += CDEventsClassicTags.all(payload)
      event.classic = ClassicMark(eventSource: "cdevents", type: "release", .end, state: predicate, time: time)
    default: return nil
    }
    event.spanEvents = [spanEvent(predicate, attributes)]
    let change = payload.other("change")
    let commit = change.flatMap { CommitHash.whole($0.id) }
    let parents = change.map { [Reference.key(key(.change, $0.id, at: $0.origin))] } ?? []
    return tied(
      event, .artifact, as: standing,
      to: [Reference(.artifactOfBuild, event.key.description)] + (commit == nil ? parents : []),
      others: commit.map { [FollowStatement(.commit, [Reference(.commit, $0)])] } ?? [])
  }

  // MARK: Deploys

  /// Maps each event to the end of a deploy of its own. CDEvents report finished deploys, but not their starts.
  func deployEvents() throws(PayloadError) -> [Event]? {
    guard ["deployed", "upgraded", "rolledback"].contains(predicate) else { return nil }
    let id = try payload.context.requireID()
    let artifact = payload.artifact
    let package = artifact.flatMap(PackageURL.init)
    var event = Event(key: key(.service, id, at: payload.contextOrigin), time: time)
    event.operation = .deploy
    event.name = "\(payload.id)\(environment.map { " to \($0)" } ?? "")"
    event.project = payload.id
    event.state = .ended
    event.marks = [.end(time)]
    event.outcome = .success
    if let artifact, let environment {
      event.publishes = [deploy(of: artifact, to: environment)]
    }
    event.attributes.add(AttributeName.deploymentID, id)
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment)
    event.attributes.add(AttributeName.artifactPurl, package?.text)
    event.attributes.add(AttributeName.artifactVersion, package?.version)
    event.attributes.add(AttributeName.valuestreamService, payload.id)
    event.attributes.add(AttributeName.valuestreamDeploymentKind, predicate)
    event.attributes.add(AttributeName.vcsRefHeadRevision, payload.commit)
    event.attributes += CDEventsClassicTags.all(payload)
    event.classic = ClassicMark(eventSource: "cdevents", type: "deploy", .end, state: predicate, time: time)
    // The chain's artifact is the one that the rollback removes, so neither it nor its build is a parent.
    let strangers: [CDEventsSubject] = artifact != nil && predicate == "rolledback" ? [.artifact, .build] : []
    return tied(event, .service, as: .first, to: artifact.map { [.key(artifactKey($0))] } ?? [], notBelow: strangers)
  }

  private func deploy(of artifact: String, to environment: String) -> Reference {
    Reference(.deployOfArtifact, "\(environment)/\(artifactKey(artifact))")
  }

  // MARK: Environments

  /// Maps an environment, from its creation to its deletion. It has an operation of its own.
  func environmentEvents() -> [Event]? {
    let name = content.text("name") ?? payload.id
    var event = Event(key: key(.environment), time: time)
    event.operation = .environment
    event.name = name
    switch predicate {
    case "created":
      event.state = .running
      event.marks = [.begin(time)]
    case "modified": event.spanEvents = [spanEvent("modified")]
    case "deleted":
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = .completed
    default: return nil
    }
    event.attributes.add(AttributeName.deploymentEnvironmentName, name)
    event.attributes.add(AttributeName.valuestreamEnvironmentURL, payload.address)
    return tied(event, .environment, as: predicate == "created" ? .first : .later)
  }

  // MARK: Incidents

  /// Maps an incident. Its first events name the artifact at fault; `resolved` names the one with the fix, which is
  /// no parent.
  func incidentEvents() -> [Event]? {
    var event = Event(key: key(.incident), time: time)
    event.operation = .incident
    let service = payload.other("service")?.id
    event.name = [service, payload.id].compactMap { $0 }.joined(separator: " ")
    event.project = service
    event.state = .running
    let standing: Standing
    switch predicate {
    case "detected":
      event.marks = [.begin(time)]
      standing = .first
    case "reported":
      event.marks = [.begin(time)]
      event.spanEvents = [spanEvent("reported")]
      standing = .second
    case "resolved":
      event.state = .ended
      event.marks = [.end(time)]
      event.outcome = .completed
      standing = .later
    default: return nil
    }
    let ticket = payload.address("ticketURI") ?? payload.address("ticketUri")
    event.links = ticket.map { [LinkStatement(Reference(.address, $0), rule: "ticket")] } ?? []
    let severity = payload.root.object("customData")?.text("severity")
    event.attributes.add(AttributeName.deploymentEnvironmentName, environment)
    event.attributes.add(AttributeName.valuestreamService, service)
    event.attributes.add(AttributeName.valuestreamIncidentID, payload.id)
    event.attributes.add(AttributeName.valuestreamIncidentSeverity, severity)
    event.attributes.add(AttributeName.valuestreamIncidentTicket, ticket)
    event.attributes += CDEventsClassicTags.all(payload)
    var atFault: [Reference] = []
    var strangers: [CDEventsSubject] = []
    if standing != .later {
      event.attributes.add(AttributeName.valuestreamIncidentDescription, content.text("description"))
      if let artifact = payload.artifact {
        event.attributes.add(AttributeName.artifactPurl, PackageURL(artifact)?.text)
        atFault = [environment.map { deploy(of: artifact, to: $0) }, .key(artifactKey(artifact))].compactMap { $0 }
        strangers = [.artifact]
      }
    }
    event.classic = ClassicMark(
      eventSource: "cdevents", type: "incident", standing == .later ? .end : .start, state: predicate, time: time)
    return tied(event, .incident, as: standing, to: atFault, notBelow: strangers)
  }
}
