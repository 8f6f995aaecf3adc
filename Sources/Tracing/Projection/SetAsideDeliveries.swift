import Synchronization
package import ValueStreamCore

/// Deliveries that stand in the log and could not be projected, each with its reason: because it crashes the process, or because what
/// follows from it cannot be written. A replay projects them again.
///
/// At most ``limit``; beyond it the oldest are forgotten, and their deliveries only count.
package final class SetAsideDeliveries: Sendable {
  package static let limit = 1000
  /// The value of the span store in which they are kept.
  package static let valueName = "deliveries.set_aside"

  private let reasons = Mutex<[UInt64: String]>([:])

  /// - Parameter bytes: the value in which a store keeps them.
  package init(encoded bytes: [UInt8] = []) {
    restore(bytes)
  }

  /// Why a delivery was set aside; nil when it was not.
  package func reason(of position: LogPosition) -> String? {
    reasons.withLock { $0.isEmpty ? nil : $0[position.rawValue] }
  }

  /// Those that crash whoever projects them.
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

  /// One a line: its place, then the reason.
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

  func removeAll() { reasons.withLock { $0 = [:] } }
}
