import Synchronization
import ValueStreamCore

/// The filters of the names that subjects publish and follow, and of the traces in which something was exported.
///
/// Only the process that writes the store may use them. An existing store is read bit by bit: each write of the projection
/// reads the next names. Until the filters know all of them, every look-up is a query.
final class NameFilters: Sendable {
  let publishers = NameFilter(passes: [.key])
  let followers = NameFilter()
  let exportedTraces = NameFilter()

  /// An index that is being read into a filter, and the last row that was read.
  private enum Reading {
    case names(SpanStoreQuery, NameFilter, after: SpanStoreReader.NameCursor)
    case traces(NameFilter, after: SpanStoreReader.TraceCursor)

    var filter: NameFilter {
      switch self {
      case .names(_, let filter, _), .traces(let filter, _): filter
      }
    }

    /// Reads further rows. Returns nil after the last one.
    func advanced(through reader: SpanStoreReader) throws -> Reading? {
      switch self {
      case .names(let query, let filter, let cursor):
        try reader.names(in: query, after: cursor, limit: NameFilters.namesAtOnce) {
          filter.insert(space: $0, number: $1, text: $2)
        }.map { .names(query, filter, after: $0) }
      case .traces(let filter, let cursor):
        try reader.exportedTraces(after: cursor, limit: NameFilters.namesAtOnce) { filter.insert(traceHigh: $0) }
          .map { .traces(filter, after: $0) }
      }
    }
  }

  private let readings: Mutex<[Reading]>

  init() {
    let first = SpanStoreReader.NameCursor(space: -1, number: 0, text: "")
    readings = Mutex([
      .traces(exportedTraces, after: SpanStoreReader.TraceCursor(block: -1, high: 0)),
      .names(.publishedNames, publishers, after: first), .names(.followedNames, followers, after: first),
    ])
  }

  /// The most names that are read at once, which takes a few milliseconds.
  private static let namesAtOnce = 2000

  /// Reads further names, unless all are read.
  ///
  /// If the index is damaged, the filter stays incomplete, and look-ups remain queries.
  func load(through reader: SpanStoreReader) {
    readings.withLock { readings in
      guard let reading = readings.popLast() else { return }
      do {
        if let rest = try reading.advanced(through: reader) {
          if !rest.filter.isDone { readings.append(rest) }
        } else {
          reading.filter.complete()
        }
      } catch {
        // Not read any further.
      }
    }
  }

  /// Tells that the store has no names yet.
  ///
  /// - Parameter hasExportRecords: The ledger of exports outlasts the names.
  func completeEmpty(hasExportRecords: Bool) {
    readings.withLock { readings in
      readings.removeAll { reading in
        if case .traces = reading, hasExportRecords { return false }
        reading.filter.complete()
        return true
      }
    }
  }
}
