import Synchronization

/// Caches recently used interned names and their numbers. A committed name is never changed or removed, so no entry goes
/// stale.
final class NameCache: Sendable {
  private struct State {
    var ids: [String: Int64] = [:]
    var texts: [Int64: String] = [:]
  }

  private let state = Mutex(State())
  /// The number of names at which the cache starts over, so that it stays bounded with any number of repositories.
  private static let limit = 8192

  /// True if the cache can hold a name.
  ///
  /// Swift compares strings by canonical equivalence, but names are equal only if their bytes are. So the cache keeps
  /// only ASCII text.
  static func keeps(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }

  func id(of text: String) -> Int64? {
    state.withLock { $0.ids[text] }
  }

  func text(of id: Int64) -> String? {
    state.withLock { $0.texts[id] }
  }

  /// Adds a name. Call it only once the name is committed.
  func insert(_ text: String, _ id: Int64) {
    guard Self.keeps(text) else { return }
    state.withLock { state in
      if state.ids.count >= Self.limit { state = State() }
      state.ids[text] = id
      state.texts[id] = text
    }
  }
}
