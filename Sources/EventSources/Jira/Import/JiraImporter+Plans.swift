import APIClient
import JiraAPI
import PayloadReading
import ValueStreamCore

/// Sprints of the boards of a project, and its versions.
extension JiraImporter {
  private static let pageSize = 50

  // MARK: Sprints

  /// Reads a page of the sprints of a board. Boards of a project may share sprints, which are then the same deliveries.
  ///
  /// - Parameter cursor: the boards that are left and where the page begins, such as `7,9 50`.
  func sprints(of project: String, after cursor: String?) async throws(APIError) -> Page {
    var (boards, start) = ([Int64](), 0)
    if let place = Self.place(cursor) { (boards, start) = place } else { boards = try await self.boards(of: project) }
    guard let board = boards.first else { return Page(rows: [], next: nil) }
    let path = "board/\(board)/sprint?startAt=\(start)&maxResults=\(Self.pageSize)"
    let (sprints, isLast) = try await api.ask(path, of: .software) { document throws(APIError) in
      let answer = try document.object()
      let sprints = answer.listing("values")
      return (sprints, answer.bool("isLast") ?? (sprints.count < Self.pageSize))
    }
    if isLast || sprints.count == 0 {
      boards.removeFirst()
      start = 0
    } else {
      start += sprints.count
    }
    let next = boards.isEmpty ? nil : "\(boards.map(String.init).joined(separator: ",")) \(start)"
    return Page(
      rows: sprints.items.flatMap { JiraPlan.deliveries(ofSprint: $0, in: selection.period) }, next: next, notes: sprints.notes,
      missing: sprints.missing)
  }

  private static func place(_ cursor: String?) -> (boards: [Int64], start: Int)? {
    let parts = cursor?.split(separator: " ") ?? []
    guard parts.count == 2, let start = Int(parts[1]), (0...1 << 30).contains(start) else { return nil }
    return (parts[0].split(separator: ",").compactMap { Int64($0) }, start)
  }

  /// Only boards of this type have sprints.
  private func boards(of project: String) async throws(APIError) -> [Int64] {
    var boards: [Int64] = []
    var seen = 0
    while true {
      let path =
        "board?projectKeyOrId=\(PercentEncoding.encode(project))&type=scrum&startAt=\(seen)&maxResults=\(Self.pageSize)"
      let (new, isLast) = try await api.ask(path, of: .software) { document throws(APIError) in
        let answer = try document.object()
        let values = answer.objects("values")
        return (values, answer.bool("isLast") ?? (values.count < Self.pageSize))
      }
      boards += new.compactMap { $0.int("id") }
      seen += new.count
      if isLast || new.isEmpty { return boards }
    }
  }

  func estimateSprints(of project: String) async throws(APIError) -> ImportEstimate {
    let boards = try await boards(of: project).count
    return ImportEstimate(records: boards * Self.pageSize / 2, requests: 1 + boards)
  }

  // MARK: Versions

  func versions(of project: String, after cursor: String?) async throws(APIError) -> Page {
    let start = cursor.flatMap { Int($0) } ?? 0
    return try await versions(of: project, from: start, size: Self.pageSize) { answer in
      let versions = answer.listing("values")
      let isLast = answer.bool("isLast") ?? (versions.count < Self.pageSize)
      return Page(
        rows: versions.items.compactMap { JiraPlan.delivery(ofVersion: $0, in: selection.period) },
        next: isLast || versions.count == 0 ? nil : "\(start + versions.count)", notes: versions.notes, missing: versions.missing)
    }
  }

  func estimateVersions(of project: String) async throws(APIError) -> ImportEstimate {
    let count = try await versions(of: project, from: 0, size: 1) { Int(clamping: $0.int("total") ?? 0) }
    return ImportEstimate(records: count, requests: 1 + count / Self.pageSize)
  }

  private func versions<Value>(
    of project: String, from start: Int, size: Int, read: (PayloadObject) -> Value
  ) async throws(APIError) -> Value {
    try await api.ask("project/\(PercentEncoding.encode(project))/version?startAt=\(start)&maxResults=\(size)") {
      document throws(APIError) in
      read(try document.object())
    }
  }
}

enum JiraPlan {
  /// Returns the creation, the start and the close of a sprint, as far as Jira tells when they were.
  static func deliveries(ofSprint sprint: PayloadObject, in period: RecordPeriod) -> [ImportedDelivery] {
    guard let id = sprint.int("id") else { return [] }
    let state = sprint.text("state")?.lowercased()
    let created = sprint.time("createdDate")
    let started = state == "future" ? nil : sprint.time("activatedDate") ?? sprint.time("startDate")
    let closed = state == "closed" ? sprint.time("completeDate") : nil
    guard let last = closed ?? started ?? created, period.since.map({ last >= $0 }) ?? true,
      period.until.map({ (created ?? started ?? last) < $0 }) ?? true
    else { return [] }
    let turns: [(event: String, state: String, time: Timestamp?)] = [
      ("sprint_created", "future", created), ("sprint_started", "active", started), ("sprint_closed", "closed", closed),
    ]
    return turns.compactMap { turn in
      guard let time = turn.time else { return nil }
      var json = JSONWriter(capacity: 600)
      json.object { json in
        json.member("timestamp", time.nanoseconds / 1_000_000)
        json.member("webhookEvent", turn.event)
        json.member("sprint", sprint, setting: [JSONPair("state", .text(turn.state))]) { name in
          name == "completeDate" && turn.state != "closed" || name == "activatedDate" && turn.state == "future"
        }
      }
      return ImportedDelivery(
        source: "jira", id: ("sprint", "\(id)", "\(turn.state).\(time.seconds)"), time: time, body: json.bytes)
    }
  }

  /// Returns the release of a version. Jira tells only its day, so the time counts less than that of a webhook.
  ///
  /// - Returns: nil for a version that is not released, and for one that nobody gave a date.
  static func delivery(ofVersion version: PayloadObject, in period: RecordPeriod) -> ImportedDelivery? {
    guard let id = version.identifier(), version.bool("released") == true,
      let day = version.text("releaseDate").flatMap({ Timestamp(rfc3339: "\($0)T00:00:00Z") }), period.contains(day)
    else { return nil }
    var json = JSONWriter(capacity: 600)
    json.object { json in
      json.member("webhookEvent", "jira:version_updated")
      json.member("version", version, setting: []) { $0 == "description" }
    }
    return ImportedDelivery(source: "jira", id: ("version", id, "released.\(day.seconds)"), time: day, body: json.bytes)
  }
}
