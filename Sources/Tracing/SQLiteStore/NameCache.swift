import Synchronization

/// Interned names and their numbers, as far as they were used lately. Names never change or go away once committed.
final class NameCache: Sendable {
  private struct State {
    var ids: [String: Int64] = [:]
    var texts: [Int64: String] = [:]
  }

  private let state = Mutex(State())
  /// Beyond this it begins anew: bounded however many repositories there are.
  private static let limit = 8192

  /// Strings are equal when they look equal, names only when their bytes are: what looks equal to other bytes is not kept.
  static func keeps(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 < 0x80 }
  }

  func id(of text: String) -> Int64? {
    state.withLock { $0.ids[text] }
  }

  func text(of id: Int64) -> String? {
    state.withLock { $0.texts[id] }
  }

  /// Only for what is committed.
  func insert(_ text: String, _ id: Int64) {
    guard Self.keeps(text) else { return }
    state.withLock { state in
      if state.ids.count >= Self.limit { state = State() }
      state.ids[text] = id
      state.texts[id] = text
    }
  }
}
