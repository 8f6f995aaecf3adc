import Foundation
package import ValueStreamCore

/// Generated work that a sender of CDEvents reports, with its true course: tickets, changes, pipeline runs with tasks,
/// deploys and incidents.
package struct CDEventsHistory {
  /// A pipeline run or a task of one.
  package struct Run: Equatable {
    package var id: String
    package var queued: Timestamp
    /// When it left the queue. A task is never queued.
    package var started: Timestamp
    package var ended: Timestamp
    package var outcome: Outcome
  }

  package private(set) var runs: [Run] = []
  package private(set) var tasks: [Run] = []
  /// How long each incident lasted, in seconds, by its id.
  package private(set) var incidentSeconds: [String: Double] = [:]
  package private(set) var deployCount = 0
  /// In order of the times that they state.
  package private(set) var deliveries: [Delivery] = []

  private let seed: UInt64
  private let received: Timestamp
  private var clock: Timestamp
  private var eventCount = 0
  private var random: SeededRandom

  /// - Parameters:
  ///   - start: When the first ticket was created.
  ///   - received: When the deliveries arrive: a replay long after the fact.
  package init(seed: UInt64, changes: Int, from start: Timestamp, received: Timestamp) throws {
    self.seed = seed
    self.received = received
    clock = start
    random = SeededRandom(seed: seed)
    for number in 1...changes { try addChange(number) }
  }

  private mutating func addChange(_ number: Int) throws {
    let ticket = "CDE-\(number)"
    let opened = try tell(
      "ticket.created.0.2.0", ticket,
      ["summary": "Part \(number)", "ticketType": "feature", "uri": "https://tickets.quay.example/\(ticket)"])
    pass(60...4000)
    let repository: [String: Any] = ["repository": ["id": "quay/dock", "source": "https://git.quay.example"]]
    let created = try tell(
      "change.created.0.4.0", "\(number)", repository,
      links: [["linkType": "RELATION", "linkKind": "TRIGGER", "target": ["contextId": opened]]])
    var before = created
    for attempt in 1...Int.random(in: 1...2, using: &random) {
      before = try addRun("dock-\(seed)-\(number)-\(attempt)", after: before)
    }
    pass(30...9000)
    try tell(random.oneIn(6) ? "change.abandoned.0.3.0" : "change.merged.0.3.0", "\(number)", repository)
    if !random.oneIn(3) {
      pass(10...900)
      deployCount += 1
      let deployed = try tell("service.deployed.0.3.0", "dock", Self.service)
      if random.oneIn(3) { try addIncident("outage-\(seed)-\(number)", after: deployed) }
    }
    pass(60...600)
    try tell("ticket.closed.0.2.0", ticket, ["summary": "Part \(number)", "ticketType": "feature", "resolution": "completed"])
    pass(60...7200)
  }

  private static var service: [String: Any] {
    [
      "environment": ["id": "production"], "artifactId": "pkg:oci/dock@sha256%3A\(String(repeating: "0c", count: 32))",
    ]
  }

  /// - Returns: The id of the last event.
  private mutating func addRun(_ id: String, after cause: String) throws -> String {
    let content = ["pipelineName": "dock", "uri": "https://ci.quay.example/runs/\(id)"]
    let queued = clock
    let first = try tell(
      "pipelinerun.queued.0.3.0", id, content,
      links: [["linkType": "RELATION", "linkKind": "TRIGGER", "target": ["contextId": cause]]])
    let started = pass(1...900)
    try tell("pipelinerun.started.0.3.0", id, content, links: [["linkType": "PATH", "from": ["contextId": first]]])
    var outcome = Outcome.success
    for task in ["compile", "test", "lint"].prefix(Int.random(in: 1...3, using: &random)) where outcome == .success {
      let begun = pass(1...30)
      let content: [String: Any] = ["taskName": task, "pipelineRun": ["id": id]]
      try tell("taskrun.started.0.3.0", "\(id)-\(task)", content)
      let ended = pass(1...2000)
      outcome = random.oneIn(5) ? .failure : .success
      try tell("taskrun.finished.0.3.0", "\(id)-\(task)", content.merging(["outcome": outcome.rawValue]) { $1 })
      tasks.append(Run(id: "\(id)-\(task)", queued: begun, started: begun, ended: ended, outcome: outcome))
    }
    let ended = pass(0...20)
    let last = try tell("pipelinerun.finished.0.3.0", id, content.merging(["outcome": outcome.rawValue]) { $1 })
    runs.append(Run(id: id, queued: queued, started: started, ended: ended, outcome: outcome))
    return last
  }

  private mutating func addIncident(_ id: String, after cause: String) throws {
    pass(60...3000)
    let detected = clock
    let content = Self.service.merging(["service": ["id": "dock"], "description": "Slow"]) { $1 }
    try tell(
      "incident.detected.0.3.0", id, content,
      links: [["linkType": "RELATION", "linkKind": "TRIGGER", "target": ["contextId": cause]]])
    let resolved = pass(60...9000)
    try tell("incident.resolved.0.3.0", id, content)
    incidentSeconds[id] = resolved.seconds(since: detected)
  }

  @discardableResult
  private mutating func pass(_ seconds: ClosedRange<Int>) -> Timestamp {
    clock = clock.advanced(bySeconds: Double(Int.random(in: seconds, using: &random)))
    return clock
  }

  /// - Returns: The id of the event.
  @discardableResult
  private mutating func tell(_ type: String, _ id: String, _ content: [String: Any], links: [[String: Any]] = []) throws -> String
  {
    eventCount += 1
    let event = "quay-\(seed)-\(eventCount)"
    var context: [String: Any] = [
      "specversion": "0.5.1", "id": event, "source": "/quay/tools", "type": "dev.cdevents.\(type)", "timestamp": clock.rfc3339,
    ]
    if !links.isEmpty { context["links"] = links }
    let body = try JSONSerialization.data(
      withJSONObject: ["context": context, "subject": ["id": id, "content": content] as [String: Any]], options: .sortedKeys)
    deliveries.append(Delivery(source: "cdevents", received: received, headers: [:], body: Array(body)))
    return event
  }
}
