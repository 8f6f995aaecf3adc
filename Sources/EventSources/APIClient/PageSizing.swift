import Synchronization

/// How many records are asked for at once: fewer after a page that failed, and slowly more again.
final class PageSizing: Sendable {
  /// One request.
  struct Asked: Sendable {
    var size: Int
    /// How often the page had failed before.
    var failures: Int
  }

  private struct State {
    /// What worked last, where more did not; nil for no bound.
    var bound: Int?
    /// Pages of that size that worked at once.
    var pages = 0
  }

  private let state = Mutex(State())

  /// After so many pages twice as many records are tried.
  private static let pagesBeforeGrowth = 8

  func next(atMost size: Int, failures: Int) -> Asked {
    let bound = state.withLock(\.bound) ?? size
    // The first failure may be a passing one.
    return Asked(size: max(1, min(size, bound) >> max(0, failures - 1)), failures: failures)
  }

  /// A page came.
  func note(_ asked: Asked) {
    state.withLock { state in
      if asked.failures > 1 {
        state = State(bound: asked.size)
      } else if let bound = state.bound {
        state.pages += 1
        if state.pages >= Self.pagesBeforeGrowth { state = State(bound: bound < 1 << 20 ? bound * 2 : nil) }
      }
    }
  }
}
