import Synchronization

/// Hands pages from the one task that reads a container to the one that writes, some at a time.
final class PageQueue: Sendable {
  private struct State {
    var pages: [RecordPage] = []
    /// Set when no more pages come: nil for an end without an error.
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

  /// Waits while as many pages as it holds are there.
  ///
  /// - Returns: false when nobody wants any more.
  func put(_ page: RecordPage) async -> Bool {
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

  func finish(_ error: APIError? = nil) {
    let reader = state.withLock { state in
      state.end = .some(error)
      return state.reader.take()
    }
    reader?.resume()
  }

  /// The next page; nil when there are no more.
  func next() async throws(APIError) -> RecordPage? {
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

  /// Lets who puts pages go on in vain.
  func close() {
    let writer = state.withLock { state in
      state.isClosed = true
      return state.writer.take()
    }
    writer?.resume()
  }
}
