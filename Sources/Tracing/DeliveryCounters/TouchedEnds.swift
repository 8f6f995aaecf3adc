import Synchronization
import ValueStreamCore

/// Remembers for which kinds of ends all series exist, because nearly all ends are of a kind that was seen before.
final class TouchedEnds: Sendable {
  /// Everything that decides which series an end needs.
  struct Kind: Hashable {
    var labels: FinishedLabels
    var outcome: Outcome?
    var hasDuration: Bool
    var pipeline: String?
    var service: String
    var phases: Set<String>
    var mayBeCorrected: Bool
  }

  private let kinds = Mutex<Set<Kind>>([])

  /// The number of kinds at which it starts over.
  private static let limit = 1024

  /// - Returns: true if this is the first end of its kind.
  func insert(_ kind: Kind) -> Bool {
    kinds.withLock { kinds in
      if kinds.count >= Self.limit { kinds = [] }
      return kinds.insert(kind).inserted
    }
  }

  func removeAll() { kinds.withLock { $0 = [] } }
}
