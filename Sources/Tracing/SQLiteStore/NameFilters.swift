import Synchronization
import ValueStreamCore

/// The filters of the names that subjects publish and follow.
///
/// Only the process that writes the store may use them. An existing store is read bit by bit: each write of the projection
/// reads the next names. Until the filters know all of them, every look-up is a query.
final class NameFilters: Sendable {
  let publishers = NameFilter(passes: [.key])
  let followers = NameFilter()

  private struct Reading {
    var query: SpanStoreQuery
    var filter: NameFilter
    var cursor = SpanStoreReader.NameCursor(space: -1, number: 0, text: "")
  }

  private let readings: Mutex<[Reading]>

  init() {
    readings = Mutex([
      Reading(query: .publishedNames, filter: publishers), Reading(query: .followedNames, filter: followers),
    ])
  }

  /// The most names that are read at once, which takes a few milliseconds.
  private static let namesAtOnce = 2000

  /// Reads further names, unless all are read.
  ///
  /// If the index is damaged, the filter stays incomplete, and look-ups remain queries.
  func load(through reader: SpanStoreReader) {
    readings.withLock { readings in
      guard var reading = readings.popLast() else { return }
      do {
        let last = try reader.names(in: reading.query, after: reading.cursor, limit: Self.namesAtOnce) {
          reading.filter.insert(space: $0, number: $1, text: $2)
        }
        if let last {
          reading.cursor = last
          if !reading.filter.isDone { readings.append(reading) }
        } else {
          reading.filter.complete()
        }
      } catch {
        // Not read any further.
      }
    }
  }

  /// Tells that the store has no names yet.
  func completeEmpty() {
    readings.withLock { readings in
      for reading in readings { reading.filter.complete() }
      readings = []
    }
  }
}
