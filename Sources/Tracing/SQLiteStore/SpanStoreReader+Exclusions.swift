import Synchronization
import ValueStreamCore

extension SpanStoreReader {
  /// Returns all exclusions. Leaves out and reports rows that cannot be read.
  func exclusions() throws -> ExclusionTable {
    let statement = try facts(.exclusions)
    defer { statement.reset() }
    var entries: [ExclusionTable.Entry] = []
    while try statement.step() {
      guard let item = ExcludedItem(statement.text(0)) else {
        damage.note(StoreDamage(.fact, "exclusion", reason: "\(connection.path): the item of an exclusion cannot be read"))
        continue
      }
      let exclusion = Exclusion(
        item: item, reason: statement.text(2), actor: statement.text(3), time: Timestamp(nanoseconds: statement.int(4)))
      let fact = statement.optionalInt(1).map { FactID(rawValue: UInt64(bitPattern: $0)) }
      entries.append(.init(exclusion, fact: fact))
    }
    return ExclusionTable(entries)
  }
}

/// The committed exclusions, kept up to date by the writing connection. Nil while nothing is open for writing.
final class ExclusionCache: Sendable {
  private let state = Mutex<ExclusionTable?>(nil)

  var table: ExclusionTable? { state.withLock(\.self) }

  func set(_ table: ExclusionTable) { state.withLock { $0 = table } }
}
