import DeliveryCounters
package import ValueStreamCore

/// Deliveries that cannot be projected.
extension ProjectionBatches {
  enum SetAsideReason: String, CaseIterable {
    /// The delivery crashes the process.
    case crash
    /// The changes of the delivery cannot be written, or stored subjects that it needs cannot be read.
    case store
    /// The event is about a damaged subject.
    case damagedSubject = "damaged_subject"
    /// The new parent of a follower cannot be stored.
    case follower
  }

  /// Skips a delivery and stores the reason. The delivery stays in the log.
  mutating func setAside(_ item: Item, _ kind: SetAsideReason, _ reason: String) throws {
    let source = item.logged?.delivery.source ?? ""
    setAside.add(item.position, reason)
    if !countedThrough.covers(item.position) { metrics.apply(.delivery(source: source, .unreadable)) }
    setAsideCounts.add(labels: [kind.rawValue])
    var changes = ProjectionChanges()
    changes.values[SetAsideDeliveries.valueName] = setAside.encoded
    if case .recorded(let delivery) = item, let fingerprint = delivery.fingerprint { changes.fingerprints = [fingerprint] }
    changes.position = position.union(LogCoverage(item.position))
    unwritten = changes
    onSetAside(item.position, source, reason)
    try writePending()
    failures = 0
  }

  /// Skips a delivery that another projection has set aside because it crashes the process.
  ///
  /// - Throws: ``StoreError`` if the reason cannot be written.
  package mutating func leaveOut(_ logged: LoggedDelivery, at place: LogPosition, reason: String) throws {
    try writeLeft()
    try setAside(.logged(logged, place), .crash, reason)
  }
}
