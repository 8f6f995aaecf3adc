import Synchronization

/// Passes pages from the task that reads a container to the task that writes, through a bounded buffer.
final class PageQueue<Row: Sendable>: Sendable {
  private struct State {
    var pages: [SourcePage<Row>] = []
    /// Nil while pages may still come; `.some(nil)` for an end without an error.
    var end: APIError??
    var isClosed = false
    var writer: CheckedContinuation<Void, Never>?
    var reader: CheckedContinuation<Void, Never>?
  }

  private let capacity: Int
  private let state = Mutex(State())

  init(capacity: Int) {
    self.capacity = capacity
  }

  /// Adds a page, then waits while the queue is full.
  ///
  /// - Returns: false if the queue is closed, so that no more pages are needed.
  func put(_ page: SourcePage<Row>) async -> Bool {
    let reader = state.withLock { state in
      state.pages.append(page)
      return state.reader.take()
    }
    reader?.resume()
    await withCheckedContinuation { continuation in
      let isRoom = state.withLock { state in
        if state.isClosed || state.pages.count < capacity { return true }
        state.writer = continuation
        return false
      }
      if isRoom { continuation.resume() }
    }
    return !state.withLock(\.isClosed)
  }

  /// Ends the queue after the pages that it holds. ``next()`` then returns nil, or throws the error.
  func finish(_ error: APIError? = nil) {
    let reader = state.withLock { state in
      state.end = .some(error)
      return state.reader.take()
    }
    reader?.resume()
  }

  /// Waits for the next page and removes it. Nil after the last page.
  ///
  /// - Throws: the error of ``finish(_:)``, after the last page.
  func next() async throws(APIError) -> SourcePage<Row>? {
    while true {
      let (page, end, writer) = state.withLock { state in
        let page = state.pages.isEmpty ? nil : state.pages.removeFirst()
        return (page, state.end, state.writer.take())
      }
      writer?.resume()
      if let page { return page }
      if let end {
        if let error = end { throw error }
        return nil
      }
      await withCheckedContinuation { continuation in
        let isThere = state.withLock { state in
          if !state.pages.isEmpty || state.end != nil { return true }
          state.reader = continuation
          return false
        }
        if isThere { continuation.resume() }
      }
    }
  }

  /// Releases a waiting ``put(_:)``. This and later calls return false.
  func close() {
    let writer = state.withLock { state in
      state.isClosed = true
      return state.writer.take()
    }
    writer?.resume()
  }
}
