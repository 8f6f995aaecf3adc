/// Reads the records of several containers, some at a time, and hands them over in order: what comes out does not depend on
/// which answer came first.
package struct RecordRun: Sendable {
  /// A container that is not done, and where to go on in it.
  package struct Container: Sendable, Hashable, Codable {
    package var name: String
    /// Of its next page; nil for the first.
    package var cursor: String?
    /// What it gave so far.
    package var pages = 0
    package var rows = 0

    package init(_ name: String) {
      self.name = name
    }
  }

  /// A page, or the end of a container that gives none.
  package struct Step: Sendable {
    /// With the page.
    package var container: Container
    package var rows: [[String]] = []
    package var isLast: Bool
    /// How many records the container has, where it says so and no limit is less.
    package var total: Int?
    package var notes: [String] = []
    /// How many records of the page the server could not read.
    package var missing = 0
    /// True when the limit ended it.
    package var isCut = false
    /// Why the container is left out from here on.
    package var failure: APIError?
  }

  private let source: any RecordSource
  private let limit: Int?
  private let concurrency: Int

  /// Pages of a container that wait for those before it.
  private static let pagesAhead = 8
  /// When so many containers in a row give nothing, it is hardly for want of luck.
  private static let failuresInRow = 3

  /// - Parameters:
  ///   - limit: rows of one container; nil for all.
  ///   - concurrency: containers that are read at a time.
  package init(_ source: any RecordSource, limit: Int?, concurrency: Int) {
    self.source = source
    self.limit = limit
    self.concurrency = max(1, concurrency)
  }

  /// - Parameters:
  ///   - containers: those that are not done.
  ///   - take: called for each page in order. What it throws ends the run.
  /// - Throws: the first error that concerns more than one container, or seems to.
  package func run(_ containers: [Container], take: (Step) throws -> Void) async throws {
    let queues = containers.map { _ in PageQueue(capacity: Self.pagesAhead) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Nobody is left waiting, whatever ends this.
      defer { for queue in queues { queue.close() } }
      var begun = 0
      var failures = 0
      for index in containers.indices {
        while begun < min(index + concurrency, containers.count) {
          let (container, queue) = (containers[begun], queues[begun])
          group.addTask { await read(container, into: queue) }
          begun += 1
        }
        var container = containers[index]
        let failure = try await drain(queues[index], of: &container, take)
        let isBlank = container.pages == containers[index].pages && failure.map { $0.concern == .unclear } == true
        failures = isBlank ? failures + 1 : 0
        guard let failure else { continue }
        if failure.concern == .everything || failures == Self.failuresInRow { throw failure }
        try take(Step(container: container, isLast: true, failure: failure))
      }
    }
  }

  private func read(_ container: Container, into queue: PageQueue) async {
    var (cursor, rows) = (container.cursor, container.rows)
    var trail = CursorTrail(of: container.name, from: cursor)
    do throws(APIError) {
      repeat {
        let page = try await source.page(of: container.name, after: cursor, atMost: limit.map { max(0, $0 - rows) })
        rows += page.rows.count
        cursor = limit.map { rows >= $0 } == true ? nil : page.next
        try trail.follow(cursor)
        guard await queue.put(page), !Task.isCancelled else { return }
      } while cursor != nil
      queue.finish()
    } catch {
      queue.finish(error)
    }
  }

  /// Hands over the pages of a container.
  ///
  /// - Returns: why there are no more, where that is not its end.
  private func drain(
    _ queue: PageQueue, of container: inout Container, _ take: (Step) throws -> Void
  ) async throws -> APIError? {
    while true {
      let page: RecordPage
      do throws(APIError) {
        guard let next = try await queue.next() else { return nil }
        page = next
      } catch {
        return error
      }
      let rows = limit.map { Array(page.rows.prefix(max(0, $0 - container.rows))) } ?? page.rows
      container.rows += rows.count
      container.pages += 1
      container.cursor = page.next
      let isFull = limit.map { container.rows >= $0 } == true
      let isCut = isFull && (page.next != nil || rows.count < page.rows.count)
      try take(
        Step(
          container: container, rows: rows, isLast: page.next == nil || isFull, total: page.total.map { min($0, limit ?? $0) },
          notes: page.notes, missing: page.missing, isCut: isCut))
    }
  }
}
