import Synchronization
import ValueStreamCore

/// Caches recently used interned names and their numbers. A committed name is never changed or removed, so no entry goes
/// stale.
final class NameCache: Sendable {
  private struct State {
    var ids: [ExactText: Int64] = [:]
    var texts: [Int64: String] = [:]
  }

  private let state = Mutex(State())
  /// The number of names at which the cache starts over, so that it stays bounded with any number of repositories.
  private static let limit = 8192

  func id(of text: String) -> Int64? {
    state.withLock { $0.ids[ExactText(text)] }
  }

  func text(of id: Int64) -> String? {
    state.withLock { $0.texts[id] }
  }

  /// Adds a name. Call it only once the name is committed.
  func insert(_ text: String, _ id: Int64) {
    state.withLock { state in
      if state.ids.count >= Self.limit { state = State() }
      state.ids[ExactText(text)] = id
      state.texts[id] = text
    }
  }
}
