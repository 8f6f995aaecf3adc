import ValueStreamCore

extension EvidencePage {
  /// Orders rows and returns one page of them.
  ///
  /// A cursor names the last row of the page before, so rows that come or go between two requests do not shift the others.
  ///
  /// - Throws: ``ReportError`` for a cursor of another order or from elsewhere.
  init(_ rows: [EvidenceRow], _ request: PageRequest) throws(ReportError) {
    try self.init(of: rows, request) {
      $0
    } row: {
      $0
    }
  }

  /// Orders what is behind a number, and makes the rows of one page.
  ///
  /// - Parameters:
  ///   - head: a row from which its place and whether it counts can be told. The rest may be missing.
  ///   - row: the whole row. Called for those on the page only.
  init<Item>(
    of items: [Item], _ request: PageRequest, where isIncluded: (EvidenceRow) -> Bool = { _ in true },
    head: (Item) -> EvidenceRow, row: (Item) -> EvidenceRow
  ) throws(ReportError) {
    var places: [Placed] = []
    places.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      let head = head(item)
      if isIncluded(head) {
        places.append(Placed(position: Position(head, request.order), index: Int32(truncatingIfNeeded: index)))
      }
    }
    let (page, hasMore) = try places.page(after: request.cursor, limit: request.limit, \.position)
    self.init(
      rows: page.map { row(items[Int($0.index)]) }, total: places.count, next: hasMore ? page.last?.position.text : nil)
  }

  private struct Placed: Comparable {
    var position: Position
    var index: Int32

    static func < (left: Placed, right: Placed) -> Bool {
      left.position == right.position ? left.index < right.index : left.position < right.position
    }
  }
}

extension Array where Element: Comparable {
  /// Returns the first elements after a cursor in ascending order, without sorting all of them.
  ///
  /// - Parameter position: the place of an element. Elements are in the order of their places.
  /// - Throws: ``ReportError`` for a cursor that names no place.
  func page(
    after cursor: String?, limit: Int, _ position: (Element) -> Position
  ) throws(ReportError) -> (page: [Element], hasMore: Bool) {
    let start = try Position.start(after: cursor)
    var first = FirstElements<Element>(Swift.max(1, limit), by: <)
    // Rows mostly come in the order of days, and most orders begin with the last one.
    for element in reversed() where start.map({ $0 < position(element) }) ?? true { first.add(element) }
    return first.result
  }
}

/// Keeps the least elements of many.
struct FirstElements<Element> {
  private let limit: Int
  private let isLess: (Element, Element) -> Bool
  private var kept: [Element] = []
  private var count = 0
  /// Elements that are not less than this one are too many. Nil while there are few.
  private var bound: Element?

  /// - Parameter limit: how many elements to keep, at least one.
  init(_ limit: Int, by isLess: @escaping (Element, Element) -> Bool) {
    self.limit = limit
    self.isLess = isLess
  }

  mutating func add(_ element: Element) {
    count += 1
    if let bound, !isLess(element, bound) { return }
    kept.append(element)
    // Sorting is rare, because the bound falls each time.
    if kept.count >= 1024, kept.count / 2 >= limit { cut() }
  }

  private mutating func cut() {
    kept.sort(by: isLess)
    if kept.count > limit { kept.removeLast(kept.count - limit) }
    if kept.count == limit { bound = kept.last }
  }

  /// The least elements in ascending order, and whether there are more than these.
  var result: (page: [Element], hasMore: Bool) {
    var copy = self
    copy.cut()
    return (copy.kept, count > copy.kept.count)
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

  /// The place after which a page begins. Nil for the first page.
  ///
  /// - Throws: ``ReportError`` for a cursor that names no place.
  static func start(after cursor: String?) throws(ReportError) -> Position? {
    guard let cursor else { return nil }
    guard let position = Position(cursor) else {
      throw ReportError(.badCursor, "bad cursor: take it from 'next' of the page before")
    }
    return position
  }

  var text: String { [primary, secondary, id, attempt].map { String($0, radix: 36) }.joined(separator: ".") }

  static func < (left: Position, right: Position) -> Bool {
    if left.primary != right.primary { return left.primary > right.primary }
    if left.secondary != right.secondary { return left.secondary > right.secondary }
    if left.id != right.id { return left.id < right.id }
    return left.attempt < right.attempt
  }
}
