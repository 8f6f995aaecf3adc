import Synchronization

/// The number of records to request at a time. Shrinks after failed pages, and slowly grows again.
package final class PageSizing: Sendable {
  /// The parameters of one request.
  package struct Asked: Sendable {
    package var size: Int
    /// The number of times that this page has failed before.
    package var failures: Int

    package init(size: Int, failures: Int) {
      self.size = size
      self.failures = failures
    }
  }

  private struct State {
    /// The size that worked last after a larger one failed; nil if there is no bound.
    var bound: Int?
    /// The number of pages of that size that have worked since.
    var pages = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// The number of such pages after which the bound doubles.
  private static let pagesBeforeGrowth = 8

  package func next(atMost size: Int, failures: Int) -> Asked {
    let bound = state.withLock(\.bound) ?? size
    // The first failure may be temporary, so it does not reduce the size.
    return Asked(size: max(1, min(size, bound) >> max(0, failures - 1)), failures: failures)
  }

  /// Notes that a page of this size worked.
  package func note(_ asked: Asked) {
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
