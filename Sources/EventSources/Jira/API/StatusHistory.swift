import ValueStreamCore
import APIClient

/// The statuses that an issue went through.
struct StatusHistory {
  struct Status: Hashable {
    var id: String
    var name: String
  }

  struct Change {
    var time: Timestamp
    var from: Status
    var to: Status
  }

  /// From when on it had which, in order.
  private let entries: [(status: Status, start: Timestamp)]

  /// - Parameter changes: in any order.
  init(created: Timestamp, current: Status, changes: [Change]) {
    let changes = changes.sorted { $0.time < $1.time }
    entries = [(changes.first?.from ?? current, created)] + changes.map { ($0.to, $0.time) }
  }

  /// When it first had a status of a category.
  func firstEntry(_ isMeant: (Status) -> Bool) -> Timestamp? {
    entries.first { isMeant($0.status) }?.start
  }

  /// Since when it has had statuses of a category without a break; nil when it has another now.
  func lastStretch(_ isMeant: (Status) -> Bool) -> Timestamp? {
    var start: Timestamp?
    for entry in entries.reversed() {
      guard isMeant(entry.status) else { break }
      start = entry.start
    }
    return start
  }

  /// Seconds in each status up to an end, in the order of their first entries: `To Do=3600|In Progress=7200`.
  func times(until end: Timestamp) -> String {
    var seconds: [(name: String, seconds: Double)] = []
    for (index, entry) in entries.enumerated() where entry.start < end {
      let next = index + 1 < entries.count ? min(entries[index + 1].start, end) : end
      let time = max(0, next.seconds(since: entry.start))
      if let known = seconds.firstIndex(where: { $0.name == entry.status.name }) {
        seconds[known].seconds += time
      } else {
        seconds.append((entry.status.name, time))
      }
    }
    return RecordText.list(seconds.map { "\($0.name)=\(RecordText.text($0.seconds))" })
  }
}
