package import ValueStreamCore

/// From when to when things are wanted.
package struct RecordPeriod: Sendable, Hashable {
  /// Nil for all that came before.
  package var since: Timestamp?
  /// Not included; nil for all that came after.
  package var until: Timestamp?

  package init(since: Timestamp? = nil, until: Timestamp? = nil) {
    self.since = since
    self.until = until
  }

  /// True also for what has no time.
  package func contains(_ time: Timestamp?) -> Bool {
    guard let time else { return true }
    return since.map { time >= $0 } ?? true && until.map { time < $0 } ?? true
  }

  /// True when all is older, in a list with the newest first.
  package func isOver(at time: Timestamp?) -> Bool {
    guard let time, let since else { return false }
    return time < since
  }
}
