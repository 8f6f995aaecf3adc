import ValueStreamCore

/// The commits that a log has acknowledged lately, for the case that a standby takes over which has not received them.
///
/// Bounded: a standby is usually less than a second behind.
struct RecentCommits: Sendable {
  private struct Entry {
    var writer: LogWriterIdentity
    var first: UInt64
    var commit: LogCommit
    var time: ContinuousClock.Instant
  }

  /// How long a commit is kept, and how many commits and bytes of them.
  static let age = Duration.seconds(600)
  static let countLimit = 16_384
  static let byteLimit = 16 << 20

  /// In the order of their acknowledgement. Those before `start` are forgotten.
  private var entries: [Entry] = []
  private var start = 0
  private var bytes = 0

  /// - Parameter first: The number of the first delivery of the commit.
  mutating func add(
    _ commit: LogCommit, of writer: LogWriterIdentity, at first: UInt64, now: ContinuousClock.Instant = .now
  ) {
    entries.append(Entry(writer: writer, first: first, commit: commit, time: now))
    bytes += commit.data.count
    while let oldest = kept.first,
      kept.count > Self.countLimit || bytes > Self.byteLimit || oldest.time + Self.age < now
    {
      bytes -= oldest.commit.data.count
      start += 1
    }
    guard start > entries.count / 2 else { return }
    entries.removeFirst(start)
    start = 0
  }

  private var kept: ArraySlice<Entry> { entries[start...] }

  /// The last acknowledged number of each writer of which something is kept.
  var ends: [LogWriterIdentity: UInt64] {
    var result: [LogWriterIdentity: UInt64] = [:]
    var newest: LogWriterIdentity?
    // Few writers follow each other, each with many commits.
    for entry in kept.reversed() where entry.writer != newest {
      newest = entry.writer
      if result[entry.writer] == nil { result[entry.writer] = entry.first + entry.commit.count - 1 }
    }
    return result
  }

  /// Removes all commits of a writer.
  ///
  /// - Returns: Those after a number, and the number of the first delivery in them.
  mutating func remove(of writer: LogWriterIdentity, after last: UInt64) -> (first: UInt64?, commits: [LogCommit]) {
    let lost = kept.filter { $0.writer == writer && $0.first > last }
    entries = kept.filter { $0.writer != writer }
    start = 0
    bytes = entries.reduce(0) { $0 + $1.commit.data.count }
    return (lost.first?.first, lost.map(\.commit))
  }
}
