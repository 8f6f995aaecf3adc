import APIClient
import ValueStreamCore

/// The statuses that an issue has had, with their times.
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

  /// The statuses and when each began, in order.
  private let entries: [(status: Status, start: Timestamp)]

  /// Builds the history.
  ///
  /// - Parameter changes: the changes of status, in any order.
  init(created: Timestamp, current: Status, changes: [Change]) {
    let changes = changes.sorted { $0.time < $1.time }
    entries = [(changes.first?.from ?? current, created)] + changes.map { ($0.to, $0.time) }
  }

  /// Returns when the issue first entered a matching status.
  func firstEntry(_ isMeant: (Status) -> Bool) -> Timestamp? {
    entries.first { isMeant($0.status) }?.start
  }

  /// Returns since when the issue has had matching statuses without a break; nil if its current status does not match.
  func lastStretch(_ isMeant: (Status) -> Bool) -> Timestamp? {
    var start: Timestamp?
    for entry in entries.reversed() {
      guard isMeant(entry.status) else { break }
      start = entry.start
    }
    return start
  }

  /// Returns the seconds in each status up to an end, in the order of first entry: `To Do=3600|In Progress=7200`.
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
