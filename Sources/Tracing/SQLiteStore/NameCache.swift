import Synchronization
import ValueStreamCore

/// Interned names and their numbers in memory.
///
/// Swift compares strings by canonical equivalence, but names are equal only if their bytes are. So the table holds, and
/// finds, only ASCII text. Other names are looked up in the store.
struct NameTable: Sendable {
  private(set) var ids: [String: Int64] = [:]

  var count: Int { ids.count }

  subscript(text: String) -> Int64? {
    get { text.isASCII ? ids[text] : nil }
    set { if text.isASCII { ids[text] = newValue } }
  }

  mutating func removeAll(keepingCapacity: Bool) {
    ids.removeAll(keepingCapacity: keepingCapacity)
  }
}

/// Caches recently used interned names and their numbers. A committed name is never changed or removed, so no entry goes
/// stale.
final class NameCache: Sendable {
  private struct State {
    var ids = NameTable()
    var texts: [Int64: String] = [:]
  }

  private let state = Mutex(State())
  /// The number of names at which the cache starts over, so that it stays bounded with any number of repositories.
  private static let limit = 8192

  func id(of text: String) -> Int64? {
    state.withLock { $0.ids[text] }
  }

  func text(of id: Int64) -> String? {
    state.withLock { $0.texts[id] }
  }

  /// Adds a name if the table can hold it. Call it only once the name is committed.
  func insert(_ text: String, _ id: Int64) {
    guard text.isASCII else { return }
    state.withLock { state in
      if state.ids.count >= Self.limit { state = State() }
      state.ids[text] = id
      state.texts[id] = text
    }
  }
}
