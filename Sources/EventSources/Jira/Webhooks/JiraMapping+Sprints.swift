import PayloadReading
import ValueStreamCore

extension JiraMapping {
  /// Maps a sprint. Its span runs from its start until it is closed, and issues link to it.
  func sprintEvent() throws(PayloadError) -> Event {
    let sprint = try payload.root.requireObject("sprint")
    let id = try sprint.requireInt("id")
    let state = sprint.text("state")?.lowercased()
    let started = sprint.time("activatedDate") ?? sprint.time("startDate")
    let isGone = payload.event == "sprint_deleted"
    let isClosed = state == "closed"
    let ended = EventTime.vendor(sprint.time("completeDate") ?? payload.timestamp, orReceipt: received)
    var event = Event(key: key("sprint", String(id)), time: time, attempt: .counted)
    event.operation = .sprint
    event.name = sprint.text("name") ?? "sprint \(id)"
    event.state = isClosed || isGone ? .ended : state == "active" ? .running : .created
    // A planned sprint has not started yet.
    if state == "active" || isClosed { event.marks = [.begin(.vendor(started, orReceipt: received))] }
    if isClosed {
      event.marks.append(.end(ended))
      event.outcome = .completed
    } else if isGone {
      event.marks.append(.end(time))
      event.outcome = .abandoned
    }
    event.publishes = [classicID("sprint", String(id))]
    describe(&event)
    event.attributes.add(AttributeName.valuestreamSprintID, id)
    event.attributes.add(AttributeName.valuestreamSprintGoal, sprint.text("goal"))
    event.attributes.add(AttributeName.valuestreamSprintBoard, sprint.int("originBoardId"))
    event.attributes.add(AttributeName.valuestreamSprintPlannedEnd, sprint.time("endDate")?.rfc3339)
    event.attributes += JiraClassicTags.sprint(sprint)
    if state == "active" || isClosed {
      event.classic = ClassicMark(
        eventSource: "jiracloud", type: "sprint", isClosed ? .end : .start, state: state ?? "",
        time: isClosed ? ended : .vendor(started, orReceipt: received), begin: isClosed ? started.map(EventTime.vendor) : nil)
    }
    return event
  }
}
