import CByteScan
import Synchronization

/// Files of separated values, one after the other, cut into blocks of whole rows that several threads take in turn.
///
/// A row ends at a line feed outside quotes. Where a block ends depends on all quotes before it, so cutting is for one thread
/// at a time; it counts quotes and line feeds and looks at nothing else.
package final class CSVSource: Sendable {
  private struct State: ~Copyable {
    var paths: ArraySlice<String>
    let mayBeEmpty: Set<String>
    var current: Reading?
    var blocks = 0
    /// Set by the first thread that fails: what comes after it is of no interest.
    var isStopped = false
  }

  /// The file that is being cut.
  private final class Reading {
    let stream: any ByteStream
    let name: String
    let mayBeEmpty: Bool
    var file: CSVFile?
    var separator = CSVDialect.comma
    /// What was read after the last row of the last block.
    var rest: [UInt8] = []
    var line = 1
    var isAtEnd = false

    init(_ path: String, mayBeEmpty: Bool) throws(CSVError) {
      self.mayBeEmpty = mayBeEmpty
      name = path == "-" ? "standard input" : path
      stream = try ByteStreams.open(path)
    }
  }

  /// A row is in memory as a whole; one that is longer than this is rather a quote that is not closed.
  package static let longestRow = 1 << 26

  private let state: Mutex<State>

  /// - Parameters:
  ///   - paths: `-` stands for standard input. Files compressed with gzip or zstd are known by their first bytes.
  ///   - mayBeEmpty: those of them that may have nothing in them, not even the names of columns: they have no rows.
  package init(_ paths: [String], mayBeEmpty: Set<String> = []) {
    state = Mutex(State(paths: paths[...], mayBeEmpty: mayBeEmpty))
  }

  /// Fills a block with the rows that nobody has taken yet.
  ///
  /// - Returns: false when there are none.
  package func next(into block: CSVBlock) throws(CSVError) -> Bool {
    try state.withLock { state throws(CSVError) in
      block.number = state.blocks
      state.blocks += 1
      while !state.isStopped {
        do throws(CSVError) {
          if let reading = state.current {
            if try Self.fill(block, from: reading) { return true }
            if reading.isAtEnd { state.current = nil }
          } else if let path = state.paths.popFirst() {
            state.current = try Reading(path, mayBeEmpty: state.mayBeEmpty.contains(path))
          } else {
            return false
          }
        } catch {
          state.isStopped = true
          throw error
        }
      }
      return false
    }
  }

  /// Ends it for all threads: ``next(into:)`` gives nothing more.
  package func stop() {
    state.withLock { $0.isStopped = true }
  }

  // MARK: Cutting

  private static func fill(_ block: CSVBlock, from reading: Reading) throws(CSVError) -> Bool {
    block.isQuoteUnclosed = false
    block.start = 0
    block.firstLine = reading.line
    while block.capacity < reading.rest.count * 2 { block.grow(keeping: 0) }
    var count = reading.rest.count
    block.bytes.update(from: reading.rest, count: count)
    var quotes = vs_count_byte(block.bytes, count, UInt8(ascii: "\""))
    while true {
      while count < block.capacity, !reading.isAtEnd {
        let room = UnsafeMutableRawBufferPointer(start: block.bytes + count, count: block.capacity - count)
        let read = try reading.stream.read(into: room)
        quotes += vs_count_byte(block.bytes + count, read, UInt8(ascii: "\""))
        count += read
        reading.isAtEnd = read == 0
      }
      if reading.isAtEnd {
        block.end = close(block, count, isWithinQuotes: quotes % 2 == 1)
        reading.rest = []
        break
      }
      if let end = endOfLastRow(block.bytes, count, isWithinQuotes: quotes % 2 == 1) {
        block.end = end
        reading.rest = Array(UnsafeBufferPointer(start: block.bytes + end, count: count - end))
        break
      }
      guard block.capacity < longestRow else {
        throw CSVError(
          .malformed, file: reading.name, line: reading.line,
          reason: "a row is longer than \(longestRow >> 20) MiB: is a quote not closed?")
      }
      block.grow(keeping: count)
    }
    (block.bytes + block.end).initialize(repeating: 0, count: CSVBlock.padding)
    reading.line += vs_count_byte(block.bytes, block.end, UInt8(ascii: "\n"))
    if let file = reading.file {
      block.file = file
      block.separator = reading.separator
      return block.start < block.end
    }
    if block.end == 0, reading.mayBeEmpty { return false }
    let file = try readHeader(of: block, name: reading.name)
    block.file = file
    reading.file = file
    reading.separator = block.separator
    // Also without rows: whoever reads it learns which columns there are.
    return true
  }

  /// Ends the last row of a file, which may lack its line feed.
  private static func close(_ block: CSVBlock, _ count: Int, isWithinQuotes: Bool) -> Int {
    var count = count
    if block.capacity < count + 2 { block.grow(keeping: count) }
    block.isQuoteUnclosed = isWithinQuotes
    if isWithinQuotes {
      block.bytes[count] = UInt8(ascii: "\"")
      count += 1
    }
    if count > 0, block.bytes[count - 1] != UInt8(ascii: "\n") {
      block.bytes[count] = UInt8(ascii: "\n")
      count += 1
    }
    return count
  }

  /// Past the last line feed outside quotes; nil where there is none.
  private static func endOfLastRow(_ bytes: UnsafePointer<UInt8>, _ count: Int, isWithinQuotes: Bool) -> Int? {
    var isWithinQuotes = isWithinQuotes
    var index = count
    while index > 0 {
      index -= 1
      if bytes[index] == UInt8(ascii: "\"") {
        isWithinQuotes.toggle()
      } else if bytes[index] == UInt8(ascii: "\n"), !isWithinQuotes {
        return index + 1
      }
    }
    return nil
  }

  // MARK: Header

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// Takes the first row off a block.
  private static func readHeader(of block: CSVBlock, name: String) throws(CSVError) -> CSVFile {
    let all = UnsafeBufferPointer(start: block.bytes, count: block.end)
    if all.starts(with: byteOrderMark) { block.start = byteOrderMark.count }
    let dialect = CSVDialect(UnsafeBufferPointer(rebasing: all[block.start...]))
    if dialect.hasBareCarriageReturns {
      throw CSVError(
        .malformed, file: name, line: 1,
        reason:
          "lines end with a carriage return alone; save the file with line feeds, as \"CSV\" rather than \"CSV (Macintosh)\"")
    }
    block.start += dialect.preambleCount
    block.separator = dialect.separator
    let rows = CSVRows()
    rows.load(block)
    guard rows.count > 0 else {
      throw CSVError(.malformed, file: name, line: 1, reason: "there is no first row with the names of the columns")
    }
    if let problem = rows.problems.first, problem.row == 0 {
      throw CSVError(.malformed, file: name, line: 1, reason: problem.reason)
    }
    let columns = (0..<rows.fieldCount(ofRow: 0)).map { column in
      String(decoding: rows.text(row: 0, column: column), as: UTF8.self)
    }
    let end = rows.end(ofRow: 0)
    block.firstLine += vs_count_byte(block.bytes, end, UInt8(ascii: "\n"))
    block.start = end
    return CSVFile(name: name, columns: columns)
  }
}
