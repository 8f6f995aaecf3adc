import DeliveryCounters
import ValueStreamCore

/// Reexamining the followers of references that lead elsewhere.
extension ProjectionBatches {
  /// Reexamines pending followers in a step without deliveries.
  ///
  /// - Returns: True if the outbox has new entries.
  mutating func workOffPending(at instant: Timestamp?) throws -> Bool {
    do {
      let none: ArraySlice<Item> = []
      let hasOutboxEntries = try project(none, lookingAt: followerWidth, at: instant)
      failures = 0
      followerWidth = min(followerWidth * 2, followersPerStep)
      reexaminesApart = reexaminesApart && hasPendingWork
      return hasOutboxEntries
    } catch let error as StoreError {
      failures += 1
      guard isLasting(error) else { throw error }
      giveUpUnwritten()
      reexaminesApart = true
      if followerWidth > 1 { followerWidth /= 2 } else { try passOverFollower() }
      return false
    }
  }

  /// Skips the next follower, because a follower that can never be written must not block the others.
  mutating func passOverFollower() throws {
    guard let next = pending.next else { return }
    do {
      pending.pass(next.reference, upTo: try store.followers(of: next.reference, after: next.after, limit: 1).last?.place)
    } catch let error as StoreError where isLasting(error) {
      pending.dropNext()
    }
    setAsideCounts.add(labels: [SetAsideReason.follower.rawValue])
    var changes = ProjectionChanges()
    changes.values[PendingTies.valueName] = pending.encoded
    changes.position = position
    unwritten = changes
    try writePending()
    failures = 0
  }
}
