import ValueStreamCore

/// Ends of changes and deploys, and of what may yet turn out to be a deploy, that wait to be measured, for what may still be told of them: a review, a push, a merge that is heard of
/// after the deploy that brought it.
struct SettlingAttempts: Sendable {
  /// Where they are kept in the store, so that after a restart each is measured once all the same.
  static let valueName = "metrics.settling"
  /// Of more than this the oldest wait no longer.
  static let limit = 512

  private(set) var isChanged = false
  private var waiting: [Announcement] = []

  init(encoded bytes: [UInt8] = []) {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t")
      guard fields.count == 3, let time = Int64(fields[0]), let attempt = Int(fields[1]), let key = SpanKey(String(fields[2]))
      else { continue }
      waiting.append(Announcement(key: key, attempt: attempt, time: Timestamp(nanoseconds: time)))
    }
  }

  /// One a line: time, attempt, key.
  var encoded: [UInt8] {
    Array(waiting.map { "\($0.time.nanoseconds)\t\($0.attempt)\t\($0.key)" }.joined(separator: "\n").utf8)
  }

  mutating func add(_ announcements: [Announcement]) {
    guard !announcements.isEmpty else { return }
    waiting += announcements
    isChanged = true
  }

  /// Things that turned out to be another key's.
  mutating func rename(_ absorbed: [SpanKey: SpanKey]) {
    for (index, announcement) in waiting.enumerated() {
      guard let key = absorbed[announcement.key] else { continue }
      waiting[index].key = key
      isChanged = true
    }
  }

  /// Those that have waited, oldest first.
  func settled(at now: Timestamp, after settle: Duration) -> ArraySlice<Announcement> {
    // Negative where the clock was set back since.
    let isWaiting = { (announcement: Announcement) in
      (0..<settle.nanoseconds).contains(now.nanoseconds - announcement.time.nanoseconds)
    }
    return waiting.prefix(max(waiting.firstIndex(where: isWaiting) ?? waiting.count, waiting.count - Self.limit))
  }

  mutating func removeFirst(_ count: Int) {
    waiting.removeFirst(count)
    isChanged = true
  }

  mutating func markWritten() {
    isChanged = false
  }
}
