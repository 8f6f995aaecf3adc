import ValueStreamCore

/// What a projection has done beyond its position in the log.
///
/// A large delivery takes several steps. Small ones behind it do not wait: each step also projects them. The position
/// stays before the large delivery until all of its events are projected, and then passes over all that are done.
///
/// This is stored in the same write as the changes of a step. After a restart, no event is projected twice or left out.
struct ProjectionProgress: Sendable, Hashable {
  /// A delivery of which the first events are projected.
  struct Part: Sendable, Hashable {
    var position: LogPosition
    var doneCount: Int
    /// The number of all its events. Another version of vsd may read others from it, and begins anew then.
    var eventCount: Int
  }

  private(set) var part: Part?
  /// The deliveries that are projected although an earlier one is not.
  private var ahead: Set<LogPosition> = []

  /// With this many deliveries ahead, the projection finishes the large one first.
  static let limit = 2048

  /// The name of the stored value. The prefix of gauges makes a replacement of the store drop it.
  static let valueName = MetricRegistry.gaugePrefix + "projection.progress"

  init() {}

  var aheadCount: Int { ahead.count }

  func isDone(_ position: LogPosition) -> Bool { !ahead.isEmpty && ahead.contains(position) }

  /// The number of events of a delivery that are projected.
  func doneCount(of position: LogPosition, eventCount: Int) -> Int {
    guard let part, part.position == position, part.eventCount == eventCount else { return 0 }
    return part.doneCount
  }

  /// Notes how many events of a delivery are projected.
  mutating func take(_ position: LogPosition, doneCount: Int, eventCount: Int) {
    if doneCount < eventCount {
      part = Part(position: position, doneCount: doneCount, eventCount: eventCount)
    } else {
      if part?.position == position { part = nil }
      ahead.insert(position)
    }
  }

  /// Forgets deliveries that the position of the projection covers.
  mutating func pass(upTo position: LogCoverage) {
    if let part, position.contains(part.position) { self.part = nil }
    if !ahead.isEmpty { ahead = ahead.filter { !position.contains($0) } }
  }

  // MARK: Encoding

  /// The stored form: lines of numbers. The first is the part, or empty, the others are the deliveries ahead.
  var encoded: [UInt8] {
    guard part != nil || !ahead.isEmpty else { return [] }
    let first = part.map { "\($0.position.rawValue) \($0.doneCount) \($0.eventCount)" } ?? ""
    return Array(([first] + ahead.map(\.rawValue).sorted().map(String.init)).joined(separator: "\n").utf8)
  }

  init(encoded bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    let numbers = (lines.first ?? "").split(separator: " ")
    if numbers.count == 3, let position = UInt64(numbers[0]), let done = Int(numbers[1]), let count = Int(numbers[2]),
      (0..<count).contains(done)
    {
      part = Part(position: LogPosition(rawValue: position), doneCount: done, eventCount: count)
    }
    ahead = Set(lines.dropFirst().compactMap { UInt64($0).map(LogPosition.init(rawValue:)) })
  }
}
