import Synchronization

/// A stored record that cannot be read. The code that finds it reports it and skips it; everything else works on.
public struct StoreDamage: Sendable, Hashable, CustomStringConvertible {
  /// The kind of the record. The raw value is the `part` label of `valuestream_damaged_records_total`.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// A delivery in the log.
    case delivery
    /// A subject with its facts.
    case subject
    /// A reference by which others find a subject.
    case reference
    /// A finished attempt in the outbox.
    case outbox
    case exportLedger = "export_ledger"
    case exportRejection = "export_refusal"
    case branchUpdate = "branch_update"
    case fingerprint
    /// A counter or another named value.
    case value
    /// Rows from which reports are computed.
    case fact
  }

  public var part: Part
  /// The identity of the record: a key, a range of deliveries, or a name.
  public var name: String
  /// Why the record cannot be read, with the file.
  public var reason: String

  public init(_ part: Part, _ name: String, reason: String) {
    self.part = part
    self.name = name
    self.reason = reason
  }

  public var description: String { "\(part.rawValue) \(name): \(reason)" }
}

/// The damaged records found since the start of the process, each one once.
///
/// Bounded: beyond ``limit`` records it forgets the oldest, and counts them again if they are found again.
public final class DamageReport: Sendable {
  private struct Identity: Hashable {
    var part: StoreDamage.Part
    var name: String
  }

  private struct State {
    var known: Set<Identity> = []
    /// In the order in which they were found.
    var order: [StoreDamage] = []
    var counts: [StoreDamage.Part: Int] = [:]
  }

  /// The maximum number of records that are remembered by name.
  public static let limit = 10_000

  private let state = Mutex(State())
  private let onDamage: @Sendable (StoreDamage) -> Void

  /// - Parameter onDamage: called once for each record, on the thread that found it. That thread may hold locks of the
  ///   store, so do not call the store or the log.
  public init(_ onDamage: @escaping @Sendable (StoreDamage) -> Void = { _ in }) {
    self.onDamage = onDamage
  }

  /// Reports a record that cannot be read. Does nothing if the record is already known.
  public func note(_ damage: StoreDamage) {
    let isNew = state.withLock { state in
      guard state.known.insert(Identity(part: damage.part, name: damage.name)).inserted else { return false }
      state.order.append(damage)
      state.counts[damage.part, default: 0] += 1
      if state.order.count > Self.limit {
        // Forgets a tenth at once, which keeps the average cost of an insertion low.
        for old in state.order.prefix(Self.limit / 10) { state.known.remove(Identity(part: old.part, name: old.name)) }
        state.order.removeFirst(Self.limit / 10)
      }
      return true
    }
    if isNew { onDamage(damage) }
  }

  /// True if this record was reported.
  public func contains(_ part: StoreDamage.Part, _ name: @autoclosure () -> String) -> Bool {
    state.withLock { state in
      !state.known.isEmpty && state.known.contains(Identity(part: part, name: name()))
    }
  }

  /// True if nothing damaged was found so far.
  package var isEmpty: Bool { state.withLock { $0.known.isEmpty } }

  /// The remembered records, in the order in which they were found.
  public var all: [StoreDamage] { state.withLock(\.order) }

  /// The number of records found since the start, by part.
  public var counts: [StoreDamage.Part: Int] { state.withLock(\.counts) }
}
