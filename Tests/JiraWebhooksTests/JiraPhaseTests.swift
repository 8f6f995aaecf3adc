import JiraWebhooks
import Testing
import ValueStreamCore
import ValueStreamTesting

/// Checks the time in each status when some deliveries are missing.
@Suite("Jira's statuses with gaps")
struct JiraPhaseTests {
  @Test("Nothing missed: one phase per stay, in any order", arguments: UInt64(1)..<40)
  func whole(seed: UInt64) throws {
    let history = StatusHistory(seed: seed)
    let story = try DeliveryStory(history.deliveries(at: Array(history.spanEvents.indices)), of: JiraSource(), seed: seed)
    #expect(story.spans.flatMap(\.span.phases).map(StatusHistory.line) == history.stays.map(\.line))
  }

  @Test("Half of it missed: what the rest tells is right", arguments: UInt64(1)..<200)
  func half(seed: UInt64) throws {
    var random = SeededRandom(seed: seed &* 31)
    let history = StatusHistory(seed: seed)
    let kept = history.spanEvents.indices.filter { _ in random.oneIn(2) }
    guard !kept.isEmpty else { return }
    let story = try DeliveryStory(history.deliveries(at: kept), of: JiraSource(), seed: seed)
    let phases = story.spans.flatMap(\.span.phases).map(StatusHistory.line)
    let told = history.toldStays(by: kept)
    for stay in told { #expect(phases.contains(stay.line), "of \(phases)") }
    #expect(!phases.contains { $0.hasPrefix("Fertig") || $0.hasPrefix("Geliefert") }, "done is no phase: \(phases)")
    let ends = Set(story.spans.compactMap(\.span.end))
    for end in history.toldEnds(by: kept) { #expect(ends.contains(end), "\(end) of \(ends)") }
    for (earlier, later) in zip(story.spans.flatMap(\.span.phases), story.spans.flatMap(\.span.phases).dropFirst()) {
      #expect(earlier.end.map { $0 <= later.start } ?? false, "\(StatusHistory.line(earlier)), \(StatusHistory.line(later))")
    }
  }

  @Test("Halves do tell something")
  func telling() {
    var told = 0
    var all = 0
    for seed in UInt64(1)..<200 {
      var random = SeededRandom(seed: seed &* 31)
      let history = StatusHistory(seed: seed)
      let kept = history.spanEvents.indices.filter { _ in random.oneIn(2) }
      told += history.toldStays(by: kept).count
      all += history.stays.count
    }
    #expect(Double(told) > 0.3 * Double(all), "\(told) of \(all)")
    #expect(told < all)
  }
}

/// A generated issue that moves between statuses, is edited in between, and is done and reopened.
private struct StatusHistory {
  struct Status: Equatable {
    var name: String
    var category: String
  }

  struct Stay {
    var status: Status
    var start: Timestamp
    var end: Timestamp?

    var line: String { "\(status.name) \(start) to \(end.map(\.rfc3339) ?? "?")" }
  }

  /// A change for which Jira sends a delivery.
  struct Moment {
    var time: Timestamp
    /// The previous status; nil if the status did not change.
    var from: Status?
    var status: Status
    var categoryChanged: Timestamp
    var isCreation = false
  }

  static let statuses = [
    Status(name: "Offen", category: "new"), Status(name: "Ausgewählt", category: "new"),
    Status(name: "In Arbeit", category: "indeterminate"), Status(name: "Prüfung", category: "indeterminate"),
    Status(name: "Fertig", category: "done"), Status(name: "Geliefert", category: "done"),
  ]

  let created = Timestamp(seconds: 1_710_000_000)
  private(set) var spanEvents: [Moment] = []
  /// The stays in statuses that are not done.
  private(set) var stays: [Stay] = []

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var time = created
    var status = Self.statuses[0]
    var categoryChanged = created
    spanEvents = [Moment(time: time, status: status, categoryChanged: time, isCreation: true)]
    stays = [Stay(status: status, start: time)]
    for _ in 0..<Int.random(in: 3...12, using: &random) {
      time = time.advanced(
        bySeconds: Double(random.oneIn(4) ? Int.random(in: 3...20, using: &random) : Int.random(in: 60...100_000, using: &random))
      )
      if random.oneIn(3) {
        spanEvents.append(Moment(time: time, status: status, categoryChanged: categoryChanged))
        continue
      }
      let next = Self.statuses.filter { $0 != status }.randomElement(using: &random) ?? status
      if next.category != status.category { categoryChanged = time }
      spanEvents.append(Moment(time: time, from: status, status: next, categoryChanged: categoryChanged))
      if status.category != "done" { stays[stays.count - 1].end = time }
      if next.category != "done" { stays.append(Stay(status: next, start: time)) }
      status = next
    }
  }

  static func line(_ phase: Phase) -> String { "\(phase.name) \(phase.start) to \(phase.end.map(\.rfc3339) ?? "?")" }

  /// The stays whose start and end the kept deliveries prove.
  ///
  /// Proof is the transition itself, or, for a start, a later edit that shows since when the status has had its category.
  func toldStays(by kept: [Int]) -> [Stay] {
    let kept = kept.map { spanEvents[$0] }
    func isTold(_ time: Timestamp, into status: Status) -> Bool {
      if time == created { return true }
      return kept.contains { instant in
        instant.time == time || instant.from == nil && instant.status == status && instant.categoryChanged == time
      }
    }
    return stays.filter { stay in
      guard isTold(stay.start, into: stay.status) else { return false }
      guard let end = stay.end else {
        // An open stay needs a delivery from the time of that stay.
        return kept.contains { $0.time >= stay.start }
      }
      // An ended stay needs the transition that ended it, which names the status.
      return kept.contains { $0.time == end }
    }
  }

  /// The times at which the issue became done, as far as the kept deliveries show. Of several ends without a delivery in
  /// between that shows the issue reopened, only the last counts.
  func toldEnds(by kept: [Int]) -> [Timestamp] {
    let kept = kept.map { spanEvents[$0] }
    return zip(kept, kept.dropFirst().map(\.status.category) + ["new"]).filter { instant, next in
      instant.status.category == "done" && next != "done"
    }.map(\.0.categoryChanged)
  }

  func deliveries(at kept: [Int]) -> [Delivery] {
    kept.map { index in
      let instant = spanEvents[index]
      let event = instant.isCreation ? "jira:issue_created" : "jira:issue_updated"
      var items: [String] = []
      if let from = instant.from {
        items.append(#"{"field":"status","fieldId":"status","fromString":"\#(from.name)","toString":"\#(instant.status.name)"}"#)
        if instant.status.category == "done", from.category != "done" {
          items.append(#"{"field":"resolution","fromString":null,"toString":"Done"}"#)
        } else if instant.status.category != "done", from.category == "done" {
          items.append(#"{"field":"resolution","fromString":"Done","toString":null}"#)
        }
      }
      // Jira records the change of category some milliseconds apart from the event.
      let delay: Int64 = instant.categoryChanged == instant.time ? 30 : 0
      let resolution = instant.status.category == "done" ? #"{"name":"Done"}"# : "null"
      let body = """
        {"webhookEvent":"\(event)","timestamp":\(instant.time.seconds * 1000 + delay),
         "issue":{"id":"7","key":"TP-7","self":"https://harbour.example/rest/api/2/issue/7","fields":{
          "issuetype":{"name":"Task","subtask":false},"created":"\(created)","updated":"\(instant.time)",
          "statuscategorychangedate":"\(instant.categoryChanged)","resolution":\(resolution),
          "status":{"name":"\(instant.status.name)","statusCategory":{"key":"\(instant.status.category)"}}}},
         "changelog":{"items":[\(items.joined(separator: ","))]}}
        """
      return Delivery(source: "jira", received: instant.time.advanced(bySeconds: 1), headers: [:], body: Array(body.utf8))
    }
  }
}
