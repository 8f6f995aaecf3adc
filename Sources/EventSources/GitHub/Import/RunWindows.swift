import ValueStreamCore

/// The periods in which runs are still to be read, newest first, and the page in the first of them.
///
/// GitHub lists at most 1,000 runs of a period. A period with more is halved.
struct RunWindows: Sendable, Hashable, CustomStringConvertible {
  /// Seconds since 1970, both included.
  private(set) var windows: [ClosedRange<Int64>]
  private(set) var page = 1

  /// Starts with a period.
  init(from start: Timestamp, to end: Timestamp) {
    windows = start.seconds <= end.seconds ? [start.seconds...end.seconds] : []
  }

  /// Parses the text of ``description``; nil for other text.
  init?(_ text: String) {
    let parts = text.split(separator: "|")
    guard parts.count == 2, let page = Int(parts[0]), (1...1 << 20).contains(page) else { return nil }
    self.page = page
    windows = []
    for part in parts[1].split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int64($0) }
      guard ends.count == 2, ends[0] <= ends[1] else { return nil }
      windows.append(ends[0]...ends[1])
    }
  }

  var description: String {
    "\(page)|" + windows.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  /// Nil if there is nothing left.
  var cursor: String? { windows.isEmpty ? nil : description }

  /// How far back the periods before this one went; nil within a period.
  var reached: Timestamp? { page == 1 ? windows.first.map { Timestamp(seconds: $0.upperBound) } : nil }

  /// The filter of the request; nil if there is nothing left.
  var query: String? {
    windows.first.map {
      "created=\(Timestamp(seconds: $0.lowerBound).rfc3339)..\(Timestamp(seconds: $0.upperBound).rfc3339)&page=\(page)"
    }
  }

  /// Halves the first period.
  ///
  /// - Returns: false if it is a single second.
  mutating func halve() -> Bool {
    guard let first = windows.first, first.lowerBound < first.upperBound else { return false }
    let middle = first.lowerBound + (first.upperBound - first.lowerBound) / 2
    windows.replaceSubrange(0..<1, with: [middle + 1...first.upperBound, first.lowerBound...middle])
    page = 1
    return true
  }

  /// Goes on to the next page, or to the next period.
  mutating func advance(hasMore: Bool) {
    if hasMore {
      page += 1
    } else if !windows.isEmpty {
      windows.removeFirst()
      page = 1
    }
  }
}
