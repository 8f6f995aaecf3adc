import ValueStreamCore

extension EvidencePage {
  /// Orders rows and returns one page of them.
  ///
  /// A cursor names the last row of the page before, so rows that come or go between two requests do not shift the others.
  ///
  /// - Throws: ``ReportError`` for a cursor of another order or from elsewhere.
  init(_ rows: [EvidenceRow], _ request: PageRequest) throws(ReportError) {
    let keyed = rows.map { ($0, Position($0, request.order)) }.sorted { $0.1 < $1.1 }
    let (range, sorted) = try keyed.map(\.1).page(after: request.cursor, limit: request.limit)
    self.init(
      rows: keyed[range].map(\.0), total: rows.count, next: range.upperBound < sorted.count ? sorted[range].last?.text : nil)
  }
}

/// The place of a row in an order.
struct Position: Comparable, Hashable {
  /// Descending.
  private(set) var primary: UInt64
  private var secondary: UInt64
  private(set) var id: UInt64
  private var attempt: UInt64

  init(_ row: EvidenceRow, _ order: PageRequest.Order) {
    let time = UInt64(row.time.nanoseconds)
    // Positive numbers compare like their bits. Rows without a value come last.
    let value = row.value.map { $0 <= 0 ? 1 : $0.bitPattern } ?? 0
    (primary, secondary) = order == .newestFirst ? (time, value) : (value, time)
    id = row.id.rawValue
    attempt = UInt64(row.kind.rawValue) << 16 | UInt64(row.attempt)
  }

  init(time: Timestamp, id: FactID, attempt: UInt16) {
    (primary, secondary) = (UInt64(time.nanoseconds), 0)
    self.id = id.rawValue
    self.attempt = UInt64(attempt)
  }

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0, radix: 36) }
    guard parts.count == 4, let primary = parts[0], let secondary = parts[1], let id = parts[2], let attempt = parts[3] else {
      return nil
    }
    (self.primary, self.secondary, self.id, self.attempt) = (primary, secondary, id, attempt)
  }

  var text: String { [primary, secondary, id, attempt].map { String($0, radix: 36) }.joined(separator: ".") }

  static func < (left: Position, right: Position) -> Bool {
    if left.primary != right.primary { return left.primary > right.primary }
    if left.secondary != right.secondary { return left.secondary > right.secondary }
    return (left.id, left.attempt) < (right.id, right.attempt)
  }
}
