import DeliveryCounters
import PoisonGuard
import ValueStreamCore

/// Reexamining the followers of references that lead elsewhere.
extension ProjectionBatches {
  /// Reexamines pending followers in a step without deliveries.
  ///
  /// After a crash in such a step, each follower gets a step of its own. One that keeps crashing the process is skipped.
  ///
  /// - Returns: True if the outbox has new entries.
  mutating func workOffPending(at instant: Timestamp?) throws -> Bool {
    guard let next = pending.next else { return false }
    let (item, isSuspect) = (Self.number(of: next), poisonGuard.hasSuspects(PoisonGuard.followers))
    if isSuspect, poisonGuard.isPoison(PoisonGuard.followers, item) {
      try passOverFollower()
      poisonGuard.pass(PoisonGuard.followers, item)
      return false
    }
    do {
      let none: ArraySlice<Item> = []
      let poisonGuard = poisonGuard
      let hasOutboxEntries = try poisonGuard.run(PoisonGuard.followers, isSuspect ? item...item : 0...UInt64.max) {
        try project(none, of: none, isInterleaving: false, lookingAt: isSuspect ? 1 : followerWidth, at: instant)
      }
      poisonGuard.pass(PoisonGuard.followers, item)
      if !hasPendingWork { poisonGuard.pass(PoisonGuard.followers, upTo: .max) }
      failures = 0
      followerWidth = min(followerWidth * 2, followersPerStep)
      reexaminesApart = reexaminesApart && (hasPendingWork || poisonGuard.hasSuspects(PoisonGuard.projection))
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

  /// Returns a hash of a reference and the place up to which its followers are reexamined, the same in every process.
  private static func number(of scan: PendingTies.Scan) -> UInt64 {
    hash(of: "\(scan.reference)@\(scan.after)")
  }

  /// Skips the next follower, because a follower that can never be written, or crashes the process, must not block the others.
  mutating func passOverFollower() throws {
    guard let next = pending.next else { return }
    do {
      pending.pass(next.reference, upTo: try store.followers(of: next.reference, after: next.after, limit: 1).last?.place)
    } catch {
      guard isLasting(error) else { throw error }
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
