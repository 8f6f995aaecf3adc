package import ValueStreamCore

/// The period from which records are wanted.
package struct RecordPeriod: Sendable, Hashable {
  /// The start, included; nil for no start.
  package var since: Timestamp?
  /// The end, not included; nil for no end.
  package var until: Timestamp?

  package init(since: Timestamp? = nil, until: Timestamp? = nil) {
    self.since = since
    self.until = until
  }

  /// True if the time lies in the period, or is nil.
  package func contains(_ time: Timestamp?) -> Bool {
    guard let time else { return true }
    return since.map { time >= $0 } ?? true && until.map { time < $0 } ?? true
  }

  /// True if all further records are older than the period, in a list sorted newest first.
  package func isOver(at time: Timestamp?) -> Bool {
    guard let time, let since else { return false }
    return time < since
  }
}
