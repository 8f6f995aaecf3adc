/// Reads the records of several containers, some at a time, and hands them over in order: what comes out does not depend on
/// which answer came first.
package struct RecordRun: Sendable {
  /// Where a run is; what was read before is not read again.
  package struct Place: Sendable, Hashable {
    /// How many containers are done.
    package var done: Int
    /// Of the one that comes next: where to go on, and how many pages and rows it gave.
    package var cursor: String?
    package var pages = 0
    package var rows = 0

    package init(done: Int = 0) {
      self.done = done
    }
  }

  /// A page, or the end of a container that gives none.
  package struct Step: Sendable {
    package var container: String
    package var rows: [[String]] = []
    /// From 1.
    package var page: Int
    package var isLast: Bool
    /// How many records the container has, where it says so and no limit is less.
    package var total: Int?
    package var notes: [String] = []
    /// True when the limit ended it.
    package var isCut = false
    /// Why the container is left out from here on.
    package var failure: APIError?
    /// Where the run goes on after it.
    package var place: Place
  }

  private let source: any RecordSource
  private let limit: Int?
  private let concurrency: Int

  /// Pages of a container that wait for those before it.
  private static let pagesAhead = 8

  /// - Parameters:
  ///   - limit: rows of one container; nil for all.
  ///   - concurrency: containers that are read at a time.
  package init(_ source: any RecordSource, limit: Int?, concurrency: Int) {
    self.source = source
    self.limit = limit
    self.concurrency = max(1, concurrency)
  }

  /// - Parameters:
  ///   - containers: all of them, also those that are done.
  ///   - take: called for each page in order. What it throws ends the run.
  /// - Throws: the first error that concerns more than one container.
  package func run(_ containers: [String], from place: Place, take: (Step) throws -> Void) async throws {
    let queues = containers.map { _ in PageQueue(capacity: Self.pagesAhead) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Nobody is left waiting, whatever ends this.
      defer { for queue in queues { queue.close() } }
      var begun = place.done
      for index in containers.indices.dropFirst(place.done) {
        while begun < min(index + concurrency, containers.count) {
          let (container, queue) = (containers[begun], queues[begun])
          let start = begun == place.done ? place : Place()
          group.addTask { await read(container, from: start, into: queue) }
          begun += 1
        }
        let start = index == place.done ? place : Place(done: index)
        try await drain(queues[index], of: containers[index], from: start, take)
      }
    }
  }

  private func read(_ container: String, from place: Place, into queue: PageQueue) async {
    var (cursor, rows) = (place.cursor, place.rows)
    do throws(APIError) {
      repeat {
        let page = try await source.page(of: container, after: cursor, atMost: limit.map { max(0, $0 - rows) })
        if let cursor, page.next == cursor { throw APIError(.malformed, "\(container): the next page is this one again") }
        rows += page.rows.count
        cursor = limit.map { rows >= $0 } == true ? nil : page.next
        guard await queue.put(page), !Task.isCancelled else { return }
      } while cursor != nil
      queue.finish()
    } catch {
      queue.finish(error)
    }
  }

  private func drain(
    _ queue: PageQueue, of container: String, from start: Place, _ take: (Step) throws -> Void
  ) async throws {
    var place = start
    let next = Place(done: start.done + 1)
    while true {
      let page: RecordPage
      do throws(APIError) {
        guard let some = try await queue.next() else { return }
        page = some
      } catch {
        guard error.concernsContainerOnly else { throw error }
        return try take(Step(container: container, page: place.pages, isLast: true, failure: error, place: next))
      }
      let rows = limit.map { Array(page.rows.prefix(max(0, $0 - place.rows))) } ?? page.rows
      place.rows += rows.count
      place.pages += 1
      place.cursor = page.next
      let isFull = limit.map { place.rows >= $0 } == true
      let isLast = page.next == nil || isFull
      let isCut = isFull && (page.next != nil || rows.count < page.rows.count)
      try take(
        Step(
          container: container, rows: rows, page: place.pages, isLast: isLast, total: page.total.map { min($0, limit ?? $0) },
          notes: page.notes, isCut: isCut, place: isLast ? next : place))
    }
  }
}
