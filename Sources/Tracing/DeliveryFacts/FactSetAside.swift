import ValueStreamCore

/// Why the facts of an item are not computed.
package enum FactSetAsideReason: String, Sendable, CaseIterable {
  /// The computation crashes the process.
  case crash
  /// What the computation needs cannot be read, or what it gives cannot be written.
  case store
}

/// Items that are passed over because their computation fails for good, each with its reason.
///
/// An item leaves the list once its facts are computed. A subject is tried again with the next event about it, and after a start.
/// One that crashes the process is not tried again by the same version of vsd. Otherwise each event would end vsd several times.
struct FactSetAside: Sendable {
  private(set) var reasons: [FactItem: FactSetAsideReason] = [:]

  /// The most items. Further ones are passed over as well, but not remembered.
  static let limit = 1000

  func isSkipped(_ item: FactItem) -> Bool { reasons[item] == .crash }

  /// - Returns: false if there are too many.
  mutating func add(_ item: FactItem, _ reason: FactSetAsideReason) -> Bool {
    guard reasons.count < Self.limit || reasons[item] != nil else { return false }
    reasons[item] = reason
    return true
  }

  /// - Returns: false if the item was not set aside.
  mutating func remove(_ item: FactItem) -> Bool { reasons.removeValue(forKey: item) != nil }

  // MARK: Stored form

  static func text(_ reason: FactSetAsideReason) -> String { "\(ValueStreamVersion.current) \(reason.rawValue)" }

  /// Adds a stored item.
  ///
  /// - Parameter isStart: true after a start.
  /// - Returns: false if the item is to be tried again.
  mutating func restore(_ item: FactItem, _ text: Substring, isStart: Bool) -> Bool {
    let parts = text.split(separator: " ")
    guard parts.count == 2, parts[0] == ValueStreamVersion.current, let reason = FactSetAsideReason(rawValue: String(parts[1]))
    else { return false }
    if isStart, reason == .store, case .subject = item { return false }
    return add(item, reason)
  }
}
