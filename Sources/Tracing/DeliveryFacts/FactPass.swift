import ValueStreamCore

/// A pass over deploys or incidents in order of time, which computes each of them again.
///
/// A time that is queued while the pass runs starts a further pass, unless the running one still comes to it. So a pass always
/// reaches the newest, and all times that are queued meanwhile cost one more pass together.
struct FactPass: Sendable, Hashable {
  /// A place in the order of the pass.
  struct Position: Sendable, Hashable, Comparable {
    var time: Timestamp
    /// Orders what has the same time. Empty before all of it.
    var name = ""

    static func < (left: Position, right: Position) -> Bool { (left.time, left.name) < (right.time, right.name) }
  }

  /// What comes next: the first at or after this place.
  private(set) var position: Position
  private(set) var isBegun = false
  /// The time from which the next pass begins. Nil if there is none.
  private(set) var next: Timestamp?

  init(from time: Timestamp) {
    position = Position(time: time)
  }

  /// True if everything from a time on will be computed.
  func covers(_ time: Timestamp) -> Bool {
    Position(time: time) >= position || next.map { $0 <= time } ?? false
  }

  /// The earliest time that is to be computed.
  var earliest: Timestamp { next.map { min($0, position.time) } ?? position.time }

  mutating func queue(from time: Timestamp) {
    if covers(time) { return }
    if isBegun { next = time } else { position = Position(time: time) }
  }

  mutating func advance(to position: Position) {
    self.position = position
    isBegun = true
  }

  /// The pass to begin after this one.
  var successor: FactPass? { next.map { FactPass(from: $0) } }

  // MARK: Stored form

  var text: String {
    let name = position.name.isEmpty ? "-" : PercentEncoding.encode(position.name)
    return "\(position.time.nanoseconds) \(name) \(isBegun ? 1 : 0) \(next.map { "\($0.nanoseconds)" } ?? "-")"
  }

  init?(_ text: Substring) {
    let parts = text.split(separator: " ")
    guard parts.count == 4, let time = Int64(parts[0]) else { return nil }
    position = Position(time: Timestamp(nanoseconds: time))
    if parts[1] != "-" { position.name = PercentEncoding.decode(parts[1]) ?? "" }
    isBegun = parts[2] == "1"
    next = Int64(parts[3]).map { Timestamp(nanoseconds: $0) }
  }
}
