import Synchronization
package import ValueStreamCore

/// Deliveries that are in the log but could not be projected, each with its reason.
///
/// A delivery is set aside if it crashes the process or if its changes cannot be written. A replay projects it again,
/// unless it crashes the process.
///
/// Keeps at most ``limit`` entries. Beyond that, it forgets the oldest ones, which are then only counted in metrics.
package final class SetAsideDeliveries: Sendable {
  package static let limit = 1000
  /// Name of the span store value that holds the entries.
  package static let valueName = "deliveries.set_aside"

  private let reasons = Mutex<[UInt64: String]>([:])

  /// - Parameter bytes: The stored value, as ``encoded`` returned it. Empty for none.
  package init(encoded bytes: [UInt8] = []) {
    restore(bytes)
  }

  /// Returns why a delivery was set aside; nil if it was not, or if its entry was forgotten.
  package func reason(of position: LogPosition) -> String? {
    reasons.withLock { $0.isEmpty ? nil : $0[position.rawValue] }
  }

  /// The deliveries that crash the process, each with its reason. A replay leaves them out.
  package var crashing: [LogPosition: String] {
    let found = reasons.withLock { reasons in reasons.filter { $0.value.hasPrefix(Self.crashReason) } }
    return Dictionary(uniqueKeysWithValues: found.map { (LogPosition(rawValue: $0.key), $0.value) })
  }

  static let crashReason = "it has crashed vsd"

  package var count: Int { reasons.withLock(\.count) }

  func add(_ position: LogPosition, _ reason: String) {
    reasons.withLock { reasons in
      reasons[position.rawValue] = reason
      if reasons.count > Self.limit, let oldest = reasons.keys.min() { reasons[oldest] = nil }
    }
  }

  /// The stored form: one line per delivery with its position in the log, a tab, and the reason.
  var encoded: [UInt8] {
    let lines = reasons.withLock { reasons in
      reasons.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value.replacing("\n", with: " "))" }
    }
    return Array(lines.joined(separator: "\n").utf8)
  }

  func restore(_ bytes: [UInt8]) {
    reasons.withLock { reasons in
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(Self.limit) {
        let fields = line.split(separator: "\t", maxSplits: 1)
        if fields.count == 2, let position = UInt64(fields[0]) { reasons[position] = String(fields[1]) }
      }
    }
  }

  /// Returns the deliveries at their positions in a copy of the log. Those that it lacks are left out.
  func moved(to position: (LogPosition) -> LogPosition?) -> SetAsideDeliveries {
    let moved = SetAsideDeliveries()
    for (old, reason) in reasons.withLock(\.self) {
      if let new = position(LogPosition(rawValue: old)) { moved.add(new, reason) }
    }
    return moved
  }

  func removeAll() { reasons.withLock { $0 = [:] } }
}
