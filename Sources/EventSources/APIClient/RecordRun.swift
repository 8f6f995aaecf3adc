package import ValueStreamCore

/// A container that is not finished, and the position in it. Saved to resume an interrupted run.
package struct ContainerProgress: Sendable, Hashable, Codable {
  package var name: String
  /// The cursor of the next page; nil for the first.
  package var cursor: String?
  /// The number of pages and rows read so far.
  package var pages = 0
  package var rows = 0

  package init(_ name: String) {
    self.name = name
  }
}

/// Reads containers as rows of a table.
package typealias RecordRun = ContainerRun<[String]>

/// Reads several containers concurrently, and passes their pages on in order.
///
/// The output does not depend on which response arrives first.
package struct ContainerRun<Row: Sendable>: Sendable {
  package typealias Container = ContainerProgress

  /// A page, or the failure of a container.
  package struct Step: Sendable {
    /// The state of the container after this page.
    package var container: Container
    package var rows: [Row] = []
    package var isLast: Bool
    /// The number of records in the container, or the limit if that is less; nil if the vendor does not say.
    package var total: Int?
    package var notes: [String] = []
    /// The number of records in the page that the server could not read.
    package var missing = 0
    /// True if the limit cut the container short.
    package var isCut = false
    /// True if the rest of the container is older than the run reads.
    package var isPaused = false
    /// The reason why the rest of the container is skipped; nil for a page.
    package var failure: APIError?
  }

  private let source: any PagedSource<Row>
  private let limit: Int?
  private let concurrency: Int
  private let pagesAhead: Int
  private let horizon: Timestamp?

  /// The number of containers in a row that fail before the run ends, because the cause is then probably shared.
  private static var failuresInRow: Int { 3 }

  /// Creates a run.
  ///
  /// - Parameters:
  ///   - limit: the most rows of one container; nil for all.
  ///   - concurrency: the number of containers to read at a time.
  ///   - pagesAhead: the number of pages of a container that may be read before earlier containers are finished.
  ///   - horizon: pauses a container after the first page that goes back beyond this time; nil to read all of it.
  package init(
    _ source: some PagedSource<Row>, limit: Int?, concurrency: Int, pagesAhead: Int = 8, horizon: Timestamp? = nil
  ) {
    self.source = source
    self.limit = limit
    self.concurrency = max(1, concurrency)
    self.pagesAhead = max(1, pagesAhead)
    self.horizon = horizon
  }

  /// Reads all containers.
  ///
  /// - Parameters:
  ///   - containers: the containers that are not finished.
  ///   - take: called for each page in order. An error from it ends the run.
  /// - Throws: the first error that affects more than one container, or seems to; or the error of `take`.
  package func run(_ containers: [Container], take: (Step) async throws -> Void) async throws {
    let queues = containers.map { _ in PageQueue<Row>(capacity: pagesAhead) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Closing the queues releases readers that wait, however the run ends.
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
        try await take(Step(container: container, isLast: true, failure: failure))
      }
    }
  }

  private func read(_ container: Container, into queue: PageQueue<Row>) async {
    var (cursor, rows) = (container.cursor, container.rows)
    var trail = CursorTrail(of: container.name, from: cursor)
    var isPaused = false
    do throws(APIError) {
      repeat {
        let page = try await source.page(of: container.name, after: cursor, atMost: limit.map { max(0, $0 - rows) })
        rows += page.rows.count
        cursor = limit.map { rows >= $0 } == true ? nil : page.next
        isPaused = isBeyondHorizon(page)
        try trail.follow(cursor)
        guard await queue.put(page), !Task.isCancelled else { return }
      } while cursor != nil && !isPaused
      queue.finish()
    } catch {
      queue.finish(error)
    }
  }

  private func isBeyondHorizon(_ page: SourcePage<Row>) -> Bool {
    guard let horizon, let reached = page.reached else { return false }
    return reached < horizon
  }

  /// Passes the pages of a container on.
  ///
  /// - Returns: the error that ended the container early; nil if it was read to its end.
  private func drain(
    _ queue: PageQueue<Row>, of container: inout Container, _ take: (Step) async throws -> Void
  ) async throws -> APIError? {
    while true {
      let page: SourcePage<Row>
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
      try await take(
        Step(
          container: container, rows: rows, isLast: page.next == nil || isFull, total: page.total.map { min($0, limit ?? $0) },
          notes: page.notes, missing: page.missing, isCut: isCut,
          isPaused: page.next != nil && !isFull && isBeyondHorizon(page)))
    }
  }
}
