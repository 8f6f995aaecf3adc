import PayloadReading
import ValueStreamCore

extension JiraMapping {
  /// Maps a version of a project to a release. Its span runs from the creation of the version until its release.
  func versionEvent() throws(PayloadError) -> Event {
    let version = try payload.root.requireObject("version")
    guard let id = version.identifier() else { throw version.missing("id", expected: "the id of a version") }
    let isGone = payload.event == "version_deleted"
    let isReleased = version.bool("released") == true || payload.event == "version_released"
    var event = Event(key: key("version", id), time: time, attempt: .counted)
    event.operation = .release
    event.name = version.text("name") ?? "version \(id)"
    event.project = version.text("project")
    event.state = isReleased || isGone ? .ended : .running
    switch payload.event {
    case "version_created", "version_unreleased": event.marks = [.begin(time)]
    case "version_released": event.marks = [.end(time)]
    case "version_deleted" where !isReleased: event.marks = [.end(time)]
    // A later payload shows that the version is released, but not since when.
    default: event.marks = isReleased ? [.end(.receipt(time.timestamp))] : []
    }
    event.outcome = isReleased ? .success : isGone ? .abandoned : nil
    if isGone { event.spanEvents = [SpanEvent(name: "deleted", time: time.timestamp)] }
    if let merged = payload.root.object("mergedTo").flatMap({ $0.identifier() }) {
      event.links = [LinkStatement(.key(key("version", merged)), rule: "merged_to")]
    }
    describe(&event)
    event.attributes.add(AttributeName.artifactVersion, version.text("name"))
    event.attributes.add(AttributeName.valuestreamReleaseID, id)
    event.attributes.add(AttributeName.valuestreamReleasePlannedDate, version.text("releaseDate"))
    event.attributes.add(AttributeName.valuestreamReleaseProjectID, version.identifier("projectId"))
    event.attributes += ClassicTags(service: "jira").attributes
    event.classic = classicMark(isReleased: isReleased)
    return event
  }

  private func classicMark(isReleased: Bool) -> ClassicMark? {
    let transition: ClassicMark.Transition
    switch payload.event {
    case "version_created" where !isReleased, "version_unreleased": transition = .start
    case "version_released", "version_deleted": transition = .end
    default: return nil
    }
    var mark = ClassicMark(eventSource: "jiracloud", type: "release", transition, state: payload.event, time: time)
    mark.isRepeatedEnd = payload.event == "version_deleted"
    return mark
  }
}
