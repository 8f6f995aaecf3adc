import CByteScan
import Synchronization

/// Cuts a sequence of files into blocks of whole rows, which several threads take in turn.
///
/// A row ends at a line feed outside quotes, so the end of a block depends on all quotes before it. Therefore only
/// one thread cuts at a time; cutting only counts quotes and line feeds, which is fast.
package final class CSVSource: Sendable {
  private struct State: ~Copyable {
    var paths: ArraySlice<String>
    let mayBeEmpty: Set<String>
    var current: Reading?
    var blocks = 0
    /// Set by the first thread that fails, so that the others stop early.
    var isStopped = false
  }

  /// The file that is being cut.
  private final class Reading {
    let stream: any ByteStream
    let name: String
    let mayBeEmpty: Bool
    var file: CSVFile?
    var separator = CSVDialect.comma
    /// The bytes read after the last row of the last block.
    var rest: [UInt8] = []
    var line = 1
    var isAtEnd = false

    init(_ path: String, mayBeEmpty: Bool) throws(CSVError) {
      self.mayBeEmpty = mayBeEmpty
      name = path == "-" ? "standard input" : path
      stream = try ByteStreams.open(path)
    }

    init(_ stream: any ByteStream, name: String) {
      mayBeEmpty = false
      self.name = name
      self.stream = stream
    }
  }

  /// The maximum length of a row in bytes. Rows are held in memory as a whole, and a longer one is probably an
  /// unclosed quote.
  package static let longestRow = 1 << 26

  private let state: Mutex<State>

  /// Creates a source that reads the files in this order. It opens each file only when its turn comes.
  ///
  /// - Parameters:
  ///   - paths: The files to read; `-` means standard input. Files compressed with gzip or zstd are detected by their
  ///     first bytes.
  ///   - mayBeEmpty: The paths whose files may be empty, even without a header. Such a file has no rows.
  package init(_ paths: [String], mayBeEmpty: Set<String> = []) {
    state = Mutex(State(paths: paths[...], mayBeEmpty: mayBeEmpty))
  }

  /// Creates a source that reads a text in memory.
  ///
  /// - Parameters:
  ///   - bytes: The text in UTF-8, not compressed.
  ///   - name: The name of the text in error messages.
  package init(bytes: [UInt8], name: String) {
    state = Mutex(State(paths: [], mayBeEmpty: [], current: Reading(MemoryStream(bytes), name: name)))
  }

  /// Fills a block with the next rows. Several threads can call this.
  ///
  /// - Returns: False if there are no more rows.
  /// - Throws: ``CSVError`` if a file cannot be read. From then on all threads get false.
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

  /// Stops all threads: from now on ``next(into:)`` returns false.
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
    var found = vs_count_bytes(block.bytes, count)
    while true {
      while count < block.capacity, !reading.isAtEnd {
        let room = UnsafeMutableRawBufferPointer(start: block.bytes + count, count: block.capacity - count)
        let read = try reading.stream.read(into: room)
        let added = vs_count_bytes(block.bytes + count, read)
        found.quotes += added.quotes
        found.line_feeds += added.line_feeds
        count += read
        reading.isAtEnd = read == 0
      }
      if reading.isAtEnd {
        block.end = close(block, count, isWithinQuotes: found.quotes % 2 == 1)
        reading.rest = []
        break
      }
      if let end = endOfLastRow(block.bytes, count, isWithinQuotes: found.quotes % 2 == 1) {
        block.end = end
        reading.rest = Array(UnsafeBufferPointer(start: block.bytes + end, count: count - end))
        found.line_feeds -= vs_count_bytes(block.bytes + end, count - end).line_feeds
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
    reading.line += found.line_feeds
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
    // Returns the block even without rows, so that the reader learns the columns.
    return true
  }

  /// Completes the last row of a file, which may lack a closing quote or a line feed.
  ///
  /// - Returns: The number of bytes including those added.
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

  /// Returns the offset past the last line feed outside quotes; nil if there is none.
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

  /// Parses the header and moves the start of the block past it.
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
    block.firstLine += vs_count_bytes(block.bytes, end).line_feeds
    block.start = end
    return CSVFile(name: name, columns: columns)
  }
}
