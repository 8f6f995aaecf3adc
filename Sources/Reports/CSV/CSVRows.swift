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

  /// The indices in `ends` of a row's first field, and past its last field.
  private struct Row {
    var first: Int
    var end: Int
  }

  /// The offset of the end of each field. The first entry belongs to no field: every field begins one byte past the
  /// end before it.
  private var ends: UnsafeMutablePointer<UInt32>
  private var endCapacity = 1 << 15
  private var rows: ContiguousArray<Row> = []
  private var bytes: UnsafePointer<UInt8>
  private var block = CSVBlock()
  /// A buffer for the text of a field with doubled quotes.
  private var unescaped: UnsafeMutablePointer<UInt8>
  private var unescapedCapacity = 1 << 10

  /// The rows with a misplaced quote, in order.
  package private(set) var problems: [Problem] = []

  package init() {
    ends = .allocate(capacity: endCapacity)
    unescaped = .allocate(capacity: unescapedCapacity)
    bytes = UnsafePointer(block.bytes)
  }

  deinit {
    ends.deallocate()
    unescaped.deallocate()
  }

  package var count: Int { rows.count }

  /// The bytes of the block, to which ranges of fields refer. Valid until the block is filled again.
  package var base: UnsafePointer<UInt8> { bytes }

  /// Finds the rows of a block. Invalidates everything returned for the previous block.
  package func load(_ block: CSVBlock) {
    self.block = block
    bytes = UnsafePointer(block.bytes)
    rows.removeAll(keepingCapacity: true)
    problems.removeAll()
    let misplaced = findFields()
    for offset in misplaced { note(misplacedQuoteAt: offset) }
    if block.isQuoteUnclosed, !rows.isEmpty, problems.last?.row != rows.count - 1 {
      problems.append(Problem(row: rows.count - 1, reason: "a quote is not closed"))
    }
  }

  // MARK: Access

  package func fieldCount(ofRow row: Int) -> Int {
    rows[row].end - rows[row].first
  }

  /// Returns the line of the file on which a row begins, counted from 1.
  package func line(ofRow row: Int) -> Int {
    let start = Int(self.start(ofField: rows[row].first))
    return block.firstLine + vs_count_byte(bytes + block.start, start - block.start, UInt8(ascii: "\n"))
  }

  /// Returns the offset past the line feed of a row.
  func end(ofRow row: Int) -> Int {
    Int(ends[rows[row].end - 1]) + 1
  }

  /// Writes the range of a column in each row into `ranges`; the range is empty in rows that have fewer columns.
  package func ranges(ofColumn column: Int, into ranges: inout [FieldRange]) {
    ranges.removeAll(keepingCapacity: true)
    ranges.reserveCapacity(rows.count)
    for row in rows {
      let field = row.first + column
      guard field < row.end else {
        ranges.append(FieldRange(start: 0, end: 0))
        continue
      }
      let start = ends[field - 1] &+ 1
      var end = ends[field]
      if field == row.end - 1, end > start, bytes[Int(end) - 1] == UInt8(ascii: "\r") { end -= 1 }
      ranges.append(FieldRange(start: start, end: end))
    }
  }

  /// Returns the text of a field without its quotes. Valid until the next call.
  package func text(in range: FieldRange) -> UnsafeBufferPointer<UInt8> {
    let raw = UnsafeBufferPointer(start: bytes + Int(range.start), count: Int(range.end - range.start))
    guard raw.count >= 2, raw[0] == UInt8(ascii: "\"") else { return raw }
    let inner = UnsafeBufferPointer(rebasing: raw[1..<raw.count - 1])
    guard inner.contains(UInt8(ascii: "\"")) else { return inner }
    if unescapedCapacity < inner.count {
      unescaped.deallocate()
      unescapedCapacity = inner.count
      unescaped = .allocate(capacity: unescapedCapacity)
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
    let field = rows[row].first + column
    let start = self.start(ofField: field)
    var end = ends[field]
    if field == rows[row].end - 1, end > start, bytes[Int(end) - 1] == UInt8(ascii: "\r") { end -= 1 }
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
    var count = 1
    var firstOfRow = 1
    // All ones if the 64 bytes begin within quotes, otherwise 0.
    var within: UInt64 = 0
    // Whether the previous byte allows an opening quote, and whether it was a closing quote.
    var mayOpen: UInt64 = 1
    var hasClosed: UInt64 = 0
    let separator = block.separator
    for offset in stride(from: block.start, to: block.end, by: 64) {
      if count + 64 > endCapacity { growEnds(keeping: count) }
      let found = vs_find_separators(bytes + offset, separator)
      var separators = found.separators | found.line_feeds
      var lineFeeds = found.line_feeds
      if found.quotes | within | hasClosed != 0 {
        let quoted = Self.parity(of: found.quotes) ^ within
        separators &= ~quoted
        lineFeeds &= ~quoted
        let opening = found.quotes & quoted
        let closing = found.quotes & ~quoted
        let wrong = opening & ~((separators | closing) << 1 | mayOpen)
        let unfollowed = (closing << 1 | hasClosed) & ~(separators | opening)
        if wrong | unfollowed != 0 { note(wrong, unfollowed, at: offset, in: &misplaced) }
        within = UInt64(bitPattern: Int64(bitPattern: quoted) >> 63)
        hasClosed = closing >> 63
        mayOpen = (separators | closing) >> 63
      } else {
        mayOpen = separators >> 63
      }
      while lineFeeds != 0 {
        let before = (lineFeeds & (0 &- lineFeeds)) &- 1
        let end = count + (separators & before).nonzeroBitCount + 1
        rows.append(Row(first: firstOfRow, end: end))
        firstOfRow = end
        lineFeeds &= lineFeeds &- 1
      }
      while separators != 0 {
        ends[count] = UInt32(truncatingIfNeeded: offset &+ separators.trailingZeroBitCount)
        count &+= 1
        separators &= separators &- 1
      }
    }
    removeEmptyLines()
    return misplaced
  }

  /// Returns, for each bit, whether the number of set bits up to and including it is odd.
  private static func parity(of bits: UInt64) -> UInt64 {
    var parity = bits ^ bits << 1
    parity ^= parity << 2
    parity ^= parity << 4
    parity ^= parity << 8
    parity ^= parity << 16
    return parity ^ parity << 32
  }

  private func growEnds(keeping count: Int) {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: endCapacity * 2)
    larger.update(from: ends, count: count)
    ends.deallocate()
    ends = larger
    endCapacity *= 2
  }

  private func removeEmptyLines() {
    func isEmpty(_ row: Row) -> Bool {
      guard row.end - row.first == 1 else { return false }
      let start = start(ofField: row.first)
      let end = ends[row.first]
      return end == start || end == start + 1 && bytes[Int(start)] == UInt8(ascii: "\r")
    }
    if rows.contains(where: isEmpty) { rows.removeAll(where: isEmpty) }
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
    var high = rows.count
    while low < high {
      let middle = (low + high) / 2
      if end(ofRow: middle) <= offset { low = middle + 1 } else { high = middle }
    }
    guard low < rows.count, problems.last?.row != low else { return }
    problems.append(Problem(row: low, reason: "a quote stands within a field that is not quoted, or is not doubled"))
  }
}
