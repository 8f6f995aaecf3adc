import Synchronization

/// Something stored that cannot be read. Whoever finds it reports it and passes over it; everything else goes on.
public struct StoreDamage: Sendable, Hashable, CustomStringConvertible {
  /// What kind of row it is. The raw value is the `part` label of `valuestream_damaged_records_total`.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// Deliveries in the log.
    case delivery
    /// What is known of an issue, a change, a run.
    case subject
    /// A name by which a subject is found.
    case reference
    /// A finished attempt that waits for exporters.
    case outbox
    case exportLedger = "export_ledger"
    case exportRefusal = "export_refusal"
    case branchUpdate = "branch_update"
    case fingerprint
    /// A counter or another named value.
    case value
  }

  public var part: Part
  /// Which one: a key, a range of deliveries, a name.
  public var name: String
  /// Why it cannot be read, with the file.
  public var reason: String

  public init(_ part: Part, _ name: String, reason: String) {
    self.part = part
    self.name = name
    self.reason = reason
  }

  public var description: String { "\(part.rawValue) \(name): \(reason)" }
}

/// The damage that was found since the start, each record once.
///
/// Bounded: of more than ``limit`` records the oldest are forgotten, and counted again when they are found again.
public final class DamageReport: Sendable {
  private struct Identity: Hashable {
    var part: StoreDamage.Part
    var name: String
  }

  private struct State {
    var known: Set<Identity> = []
    /// Oldest first.
    var order: [StoreDamage] = []
    var counts: [StoreDamage.Part: Int] = [:]
  }

  /// How many records are remembered by name.
  public static let limit = 10_000

  private let state = Mutex(State())
  private let onDamage: @Sendable (StoreDamage) -> Void

  /// - Parameter onDamage: called once for each record, on the thread that found it, which may hold locks of the store: it must not
  ///   ask the store or the log for anything.
  public init(_ onDamage: @escaping @Sendable (StoreDamage) -> Void = { _ in }) {
    self.onDamage = onDamage
  }

  /// Reports a record that cannot be read; known ones are passed over.
  public func note(_ damage: StoreDamage) {
    let isNew = state.withLock { state in
      guard state.known.insert(Identity(part: damage.part, name: damage.name)).inserted else { return false }
      state.order.append(damage)
      state.counts[damage.part, default: 0] += 1
      if state.order.count > Self.limit {
        // A part of them at once, so that forgetting costs little for each.
        for old in state.order.prefix(Self.limit / 10) { state.known.remove(Identity(part: old.part, name: old.name)) }
        state.order.removeFirst(Self.limit / 10)
      }
      return true
    }
    if isNew { onDamage(damage) }
  }

  /// True when this record was reported.
  public func contains(_ part: StoreDamage.Part, _ name: @autoclosure () -> String) -> Bool {
    state.withLock { state in
      !state.known.isEmpty && state.known.contains(Identity(part: part, name: name()))
    }
  }

  /// What is remembered, in the order in which it was found.
  public var all: [StoreDamage] { state.withLock(\.order) }

  /// How many records were found of each part since the start.
  public var counts: [StoreDamage.Part: Int] { state.withLock(\.counts) }
}
