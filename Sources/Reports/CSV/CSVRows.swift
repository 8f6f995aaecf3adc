import CByteScan

/// Finds the rows and fields of a block.
///
/// Parses RFC 4180, 64 bytes at a time: separators and line feeds outside quotes end fields, and quotes within quotes
/// are doubled. Empty lines are skipped, and a carriage return before a line feed belongs to no field.
package final class CSVRows {
  /// A row that cannot be read, whatever its fields contain.
  package struct Problem: Sendable, Hashable {
    package var row: Int
    package var reason: String

    package init(row: Int, reason: String) {
      self.row = row
      self.reason = reason
    }
  }

  /// The offsets of a field in the block, including the quotes around it.
  package struct FieldRange: Sendable {
    package var start: UInt32
    package var end: UInt32
  }

  /// The offset of the end of each field. The first entry belongs to no field: every field begins one byte past the
  /// end before it.
  private var ends: UnsafeMutablePointer<UInt32>
  private var endCapacity = 1 << 15
  private var rows: UnsafeMutablePointer<vs_row>
  private var rowCapacity = 1 << 12
  package private(set) var count = 0
  private var bytes: UnsafePointer<UInt8>
  private var block = CSVBlock()
  /// A buffer for the text of a field with doubled quotes.
  private var unescaped: UnsafeMutablePointer<UInt8>
  private var unescapedCapacity = 1 << 10

  /// The rows with a misplaced quote, in order.
  package private(set) var problems: [Problem] = []

  private let level: Int32

  /// The sets of instructions that can be used on this processor. The greatest is the fastest; all find the same.
  package static var levels: ClosedRange<Int32> { 0...vs_instruction_level() }

  /// Creates a reader.
  ///
  /// - Parameter level: One of ``levels``.
  package init(level: Int32 = CSVRows.levels.upperBound) {
    self.level = level
    ends = .allocate(capacity: endCapacity)
    rows = .allocate(capacity: rowCapacity)
    unescaped = .allocate(capacity: unescapedCapacity + CSVBlock.padding)
    bytes = UnsafePointer(block.bytes)
  }

  deinit {
    ends.deallocate()
    rows.deallocate()
    unescaped.deallocate()
  }

  /// The bytes of the block, to which ranges of fields refer. Valid until the block is filled again.
  package var base: UnsafePointer<UInt8> { bytes }

  /// Finds the rows of a block. Invalidates everything returned for the previous block.
  package func load(_ block: CSVBlock) {
    self.block = block
    bytes = UnsafePointer(block.bytes)
    problems.removeAll()
    let misplaced = findFields()
    for offset in misplaced { note(misplacedQuoteAt: offset) }
    if block.isQuoteUnclosed, count > 0, problems.last?.row != count - 1 {
      problems.append(Problem(row: count - 1, reason: "a quote is not closed"))
    }
  }

  // MARK: Access

  package func fieldCount(ofRow row: Int) -> Int {
    Int(rows[row].end - rows[row].first)
  }

  /// Returns the rows that have another number of fields.
  package func rows(withFieldsOtherThan expected: Int) -> [Int] {
    let rows = rows
    return (0..<count).filter { Int(rows[$0].end &- rows[$0].first) != expected }
  }

  /// Returns the line of the file on which a row begins, counted from 1.
  package func line(ofRow row: Int) -> Int {
    let start = Int(self.start(ofField: Int(rows[row].first)))
    return block.firstLine + vs_count_bytes(bytes + block.start, start - block.start).line_feeds
  }

  /// Returns the offset past the line feed of a row.
  func end(ofRow row: Int) -> Int {
    Int(ends[Int(rows[row].end) - 1]) + 1
  }

  /// Returns the range of a column in each row; the range is empty in rows that have fewer columns.
  package func ranges(ofColumn column: Int) -> [FieldRange] {
    let (rows, ends, bytes, count) = (rows, ends, bytes, count)
    return [FieldRange](unsafeUninitializedCapacity: count) { ranges, initialized in
      for row in 0..<count {
        let field = Int(rows[row].first) &+ column
        let past = Int(rows[row].end)
        var range = FieldRange(start: 0, end: 0)
        if field < past {
          range = FieldRange(start: ends[field &- 1] &+ 1, end: ends[field])
          let isLast = field &+ 1 == past
          if isLast, range.end > range.start, bytes[Int(range.end) &- 1] == UInt8(ascii: "\r") { range.end &-= 1 }
        }
        (ranges.baseAddress.map { $0 + row })?.initialize(to: range)
      }
      initialized = count
    }
  }

  /// Returns the text of a field without its quotes. Valid until the next call.
  ///
  /// The 64 bytes that follow the text can be read too.
  package func text(in range: FieldRange) -> UnsafeBufferPointer<UInt8> {
    let raw = UnsafeBufferPointer(start: bytes + Int(range.start), count: Int(range.end - range.start))
    guard raw.count >= 2, raw[0] == UInt8(ascii: "\"") else { return raw }
    let inner = UnsafeBufferPointer(rebasing: raw[1..<raw.count - 1])
    guard inner.contains(UInt8(ascii: "\"")) else { return inner }
    if unescapedCapacity < inner.count {
      unescaped.deallocate()
      unescapedCapacity = inner.count
      unescaped = .allocate(capacity: unescapedCapacity + CSVBlock.padding)
    }
    var count = 0
    var isSecondQuote = false
    for byte in inner {
      isSecondQuote = byte == UInt8(ascii: "\"") && !isSecondQuote
      if isSecondQuote { continue }
      unescaped[count] = byte
      count += 1
    }
    return UnsafeBufferPointer(start: unescaped, count: count)
  }

  /// Returns the text of a field of one row. Valid until the next call.
  package func text(row: Int, column: Int) -> UnsafeBufferPointer<UInt8> {
    let field = Int(rows[row].first) + column
    let start = self.start(ofField: field)
    var end = ends[field]
    if field == Int(rows[row].end) - 1, end > start, bytes[Int(end) - 1] == UInt8(ascii: "\r") { end -= 1 }
    return text(in: FieldRange(start: start, end: end))
  }

  private func start(ofField field: Int) -> UInt32 {
    ends[field - 1] &+ 1
  }

  // MARK: Search

  /// Finds the ends of all fields and rows.
  ///
  /// - Returns: The offsets of quotes that neither begin nor end a field, nor are doubled.
  private func findFields() -> [Int] {
    var misplaced: [Int] = []
    // Makes the first field begin at the first byte of the block.
    ends[0] = UInt32(truncatingIfNeeded: block.start) &- 1
    var search = vs_field_search()
    search.offset = block.start
    search.end_count = 1
    search.first_of_row = 1
    search.may_open = 1
    while search.offset < block.end {
      if search.end_count + Int(VS_ROOM) > endCapacity { Self.double(&ends, &endCapacity, keeping: search.end_count) }
      if search.row_count + Int(VS_ROOM) > rowCapacity { Self.double(&rows, &rowCapacity, keeping: search.row_count) }
      vs_find_fields(&search, bytes, block.end, block.separator, ends, endCapacity, rows, rowCapacity, level)
      if search.wrong | search.unfollowed != 0 {
        note(search.wrong, search.unfollowed, at: search.offset - Int(VS_CHUNK), in: &misplaced)
      }
    }
    count = search.row_count
    removeEmptyLines()
    return misplaced
  }

  private static func double<Element: BitwiseCopyable>(
    _ list: inout UnsafeMutablePointer<Element>, _ capacity: inout Int, keeping count: Int
  ) {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.update(from: list, count: count)
    list.deallocate()
    list = larger
    capacity *= 2
  }

  private func removeEmptyLines() {
    let (rows, ends, bytes) = (rows, ends, bytes)
    var kept = 0
    for row in 0..<count {
      let (first, past) = (Int(rows[row].first), Int(rows[row].end))
      if past &- first == 1 {
        let (start, end) = (ends[first &- 1] &+ 1, ends[first])
        if end == start || end == start &+ 1 && bytes[Int(start)] == UInt8(ascii: "\r") { continue }
      }
      if kept != row { rows[kept] = rows[row] }
      kept &+= 1
    }
    count = kept
  }

  // MARK: Problems

  /// Collects the misplaced quotes among 64 bytes.
  ///
  /// - Parameters:
  ///   - wrong: The quotes that open at a place where none may.
  ///   - unfollowed: The bytes after a closing quote that do not end the field. The carriage return of a line end is
  ///     allowed there.
  private func note(_ wrong: UInt64, _ unfollowed: UInt64, at offset: Int, in misplaced: inout [Int]) {
    for bit in 0..<64 where (wrong | unfollowed) >> UInt64(bit) & 1 == 1 {
      let position = offset + bit
      let isLineEnd = bytes[position] == UInt8(ascii: "\r") && bytes[position + 1] == UInt8(ascii: "\n")
      if wrong >> UInt64(bit) & 1 == 1 || position < block.end && !isLineEnd { misplaced.append(position) }
    }
  }

  private func note(misplacedQuoteAt offset: Int) {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if end(ofRow: middle) <= offset { low = middle + 1 } else { high = middle }
    }
    guard low < count, problems.last?.row != low else { return }
    problems.append(Problem(row: low, reason: "a quote stands within a field that is not quoted, or is not doubled"))
  }
}
