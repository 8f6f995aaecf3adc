import SQLiteStore
import Synchronization
package import ValueStreamCore

/// Finds damage: rows that do not match their checksum or cannot be unpacked, and numbers without a row.
extension PostgresDeliveryLog {
  /// What ``examine()`` has found.
  struct Examination: Sendable {
    /// The writer and its numbers.
    var gaps: [(writer: UInt64, numbers: Range<UInt64>)] = []
    /// The end of the gap that was appended last, and when, in microseconds since 1970.
    var latest: (end: LogPosition, time: Int64)?
  }

  /// Reads every delivery, so that all damage goes to the damage report in the options.
  package func examine() throws(StoreError) {
    examination.withLock { $0 = Examination() }
    for writer in try pool.query("SELECT id, last, dropped FROM @log_writer ORDER BY id") {
      try examine(UInt64(clamping: writer.int(0)), from: UInt64(clamping: writer.int(2)) + 1, to: UInt64(clamping: writer.int(1)))
    }
  }

  /// The commits that one query returns at most.
  private static let commitsAtOnce = 64

  private func examine(_ writer: UInt64, from start: UInt64, to end: UInt64) throws(StoreError) {
    var next = start
    var last: Int64 = 0
    while true {
      let rows = try pool.query(
        """
        SELECT \(StoredCommit.columns), (extract(epoch FROM at) * 1000000)::int8 FROM @log_commit
        WHERE writer = $1 AND first > $2 ORDER BY first LIMIT \(Self.commitsAtOnce)
        """, [.integer(Int64(clamping: writer)), .integer(last)])
      for row in rows {
        last = row.int(1)
        let (commit, time) = (StoredCommit(row), row.int(StoredCommit.columnCount))
        if next < commit.first, try isHole(next..<commit.first, of: writer) { note(next..<commit.first, of: writer, time) }
        if (try? commit.deliveries()) == nil {
          noteDamage(of: commit)
          note(commit.numbers, of: writer, time)
        }
        next = max(next, commit.numbers.upperBound)
      }
      if rows.count < Self.commitsAtOnce { break }
    }
    guard next <= end, try isHole(next..<end + 1, of: writer) else { return }
    // Nothing tells when the last deliveries came.
    note(next..<end + 1, of: writer, .max)
  }

  private func note(_ numbers: Range<UInt64>, of writer: UInt64, _ time: Int64) {
    noteGap(numbers, of: writer)
    examination.withLock { examination in
      examination.gaps.append((writer, numbers))
      if examination.latest.map({ $0.time <= time }) ?? true {
        examination.latest = (LogPosition(writer: writer, number: max(numbers.upperBound, 1) - 1), time)
      }
    }
  }

  /// The position after the damaged delivery that was recorded last, as ``examine()`` found it.
  package func endOfDamage() -> LogPosition? {
    examination.withLock { $0.latest.map { LogPosition(rawValue: $0.end.rawValue &+ 1) } }
  }

  /// Accepts the losses that ``examine()`` has found, so that they are not reported again.
  package func acceptLosses() throws(StoreError) {
    for gap in examination.withLock(\.gaps) {
      _ = try pool.query(
        "INSERT INTO @log_lost VALUES ($1, $2, $3) ON CONFLICT (writer, first) DO UPDATE SET last = excluded.last",
        [
          .integer(Int64(clamping: gap.writer)), .integer(Int64(clamping: gap.numbers.lowerBound)),
          .integer(Int64(clamping: max(gap.numbers.upperBound, 1) - 1)),
        ])
    }
  }

  // MARK: Reporting

  /// Returns the deliveries of a commit; none if it is damaged, which goes to the damage report.
  func deliveries(of commit: StoredCommit) throws(StoreError) -> [LogEntry] {
    try StoreError.catching {
      do {
        return try commit.deliveries()
      } catch is DamagedBytes {
        noteDamage(of: commit)
        return []
      }
    }
  }

  /// Reports numbers without a row, unless retention removed it. Does nothing if there are none.
  func noteHole(of writer: UInt64, from first: Int64, to last: Int64) {
    guard first > 0, first <= last, last < Int64.max else { return }
    let numbers = UInt64(first)..<UInt64(last) + 1
    if (try? isHole(numbers, of: writer)) == true { noteGap(numbers, of: writer) }
  }

  private func isHole(_ numbers: Range<UInt64>, of writer: UInt64) throws(StoreError) -> Bool {
    try pool.query(
      "SELECT 1 FROM @log_writer WHERE id = $1 AND dropped < $2",
      [.integer(Int64(clamping: writer)), .integer(Int64(clamping: numbers.lowerBound))]
    ).count > 0
  }

  private func noteGap(_ numbers: Range<UInt64>, of writer: UInt64) {
    note(numbers, of: writer, reason: "\(pool.address): rows are missing")
  }

  private func noteDamage(of commit: StoredCommit) {
    note(commit.numbers, of: commit.writer, reason: "\(pool.address): the commit cannot be read")
  }

  private func note(_ numbers: Range<UInt64>, of writer: UInt64, reason: String) {
    let last = max(numbers.upperBound, 1) - 1
    let isAccepted =
      try? pool.query(
        "SELECT 1 FROM @log_lost WHERE writer = $1 AND first <= $2 AND last >= $3",
        [.integer(Int64(clamping: writer)), .integer(Int64(clamping: numbers.lowerBound)), .integer(Int64(clamping: last))]
      ).count > 0
    if isAccepted != true { options.damage.note(StoreDamage(.delivery, Self.name(of: numbers, writer), reason: reason)) }
  }

  static func name(of numbers: Range<UInt64>, _ writer: UInt64) -> String {
    let last = max(numbers.upperBound, 1) - 1
    let text = numbers.lowerBound >= last ? "\(last)" : "\(numbers.lowerBound) to \(last)"
    return "\(text) of writer \(writer)"
  }
}
