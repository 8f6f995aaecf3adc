import CSV
import Foundation
import Testing
import ValueStreamCore

@Suite("Reading comma-separated values")
struct CSVRowsTests {
  struct Sample: CustomTestStringConvertible {
    var name: String
    var text: String
    var columns: [String]
    var rows: [[String]]
    var lines: [Int]

    var testDescription: String { name }
  }

  static let samples = [
    Sample(name: "plain", text: "a,b\n1,2\n3,4\n", columns: ["a", "b"], rows: [["1", "2"], ["3", "4"]], lines: [2, 3]),
    Sample(name: "no line feed at the end", text: "a,b\n1,2", columns: ["a", "b"], rows: [["1", "2"]], lines: [2]),
    Sample(
      name: "carriage returns", text: "a,b\r\n1,2\r\n,\r\n", columns: ["a", "b"], rows: [["1", "2"], ["", ""]], lines: [2, 3]),
    Sample(
      name: "carriage return without line feed", text: "a\n1\r2\n3\r", columns: ["a"], rows: [["1\r2"], ["3"]], lines: [2, 3]),
    Sample(name: "byte order mark", text: "\u{FEFF}a,b\n1,2\n", columns: ["a", "b"], rows: [["1", "2"]], lines: [2]),
    Sample(name: "byte order mark before a quote", text: "\u{FEFF}\"a\"\n1\n", columns: ["a"], rows: [["1"]], lines: [2]),
    Sample(
      name: "quotes", text: "a,\"b,c\"\n\"say \"\"yes\"\"\",\"\"\n\"\"\"\",\"x\"\r\n", columns: ["a", "b,c"],
      rows: [["say \"yes\"", ""], ["\"", "x"]], lines: [2, 3]),
    Sample(
      name: "line breaks within quotes", text: "a,\"b\nb\"\n\"1\n\n\",2\r\n\"\r\n\",4\n", columns: ["a", "b\nb"],
      rows: [["1\n\n", "2"], ["\r\n", "4"]], lines: [3, 6]),
    Sample(
      name: "empty lines", text: "\n\r\na,b\n\n1,2\n\r\n\n3,4\n\n", columns: ["a", "b"], rows: [["1", "2"], ["3", "4"]],
      lines: [5, 8]),
    Sample(name: "only a header", text: "a,b\n", columns: ["a", "b"], rows: [], lines: []),
    Sample(
      name: "other numbers of fields", text: "a,b\n1\n1,2,3\n", columns: ["a", "b"], rows: [["1"], ["1", "2", "3"]],
      lines: [2, 3]),
    Sample(
      name: "many bytes a character", text: "größe,日本\nü,\"é,\"\n", columns: ["größe", "日本"], rows: [["ü", "é,"]], lines: [2]),
  ]

  @Test("what RFC 4180 says, and what exporters make of it", arguments: samples, [8, 64, 1 << 18])
  func sample(sample: Sample, capacity: Int) throws {
    let read = try CSVText.read(sample.text, capacity: capacity)
    #expect(read.columns == sample.columns)
    #expect(read.rows == sample.rows)
    #expect(read.lines == sample.lines)
    #expect(read.problems.isEmpty)
  }

  @Test("any values are read as they were written, however blocks are cut", arguments: 0..<20 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let pieces = ["a", ",", "\"", "\n", "\r\n", " ", "", "", "word", String(repeating: "long ", count: 20), "ü"]
    var rows = (0..<200).map { _ in
      (0..<3).map { _ in
        (0..<Int.random(in: 0...3, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      }
    }
    // The reader drops a carriage return at the end of an unquoted row, so such rows cannot survive a round trip.
    rows.removeAll { $0.allSatisfy(\.isEmpty) || $0[2].hasSuffix("\r") }
    var writer = CSVWriter(keepsFormulas: true)
    writer.row(["x", "y", "z"])
    for row in rows { writer.row(row) }
    let text = String(decoding: writer.bytes, as: UTF8.self)
    for capacity in [16, 100, 1000, 1 << 18] {
      let read = try CSVText.read(text, capacity: capacity)
      #expect(read.rows == rows, "blocks of \(capacity)")
      #expect(read.problems.isEmpty)
    }
  }

  @Test(
    "a quote where none may be is told with its row, and costs no other",
    arguments: [
      "a,b\n1,2\n3,x\"y\"\n5,6\n", "a,b\n1,2\n\"x\"y,4\n5,6\n", "a,b\n1,2\n3,\"x\"\"\"y\"\"\n5,6\n", "a,b\n1,2\n3, \"x\"\n5,6\n",
      "a,b\n1,2\n\"x\"\r\r\n5,6\n",
    ])
  func misplaced(text: String) throws {
    for padding in [0, 55, 56, 57, 58, 59, 60, 61, 62, 63] {
      let padded = "a\(String(repeating: "p", count: padding))" + text.dropFirst()
      let read = try CSVText.read(padded)
      #expect(read.problems.map(\.row) == [1], "\(padding)")
      #expect(read.rows.first == ["1", "2"])
      #expect(read.rows.last == ["5", "6"])
    }
  }

  @Test("broken bytes are read the same however blocks are cut", arguments: 0..<50 as Range<UInt64>)
  func brokenBytes(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let specials = Array("\",\n\r\u{0}".utf8) + [0xff, 0xef]
    var bytes = Array(String(repeating: "a,\"b \"\"c\"\"\",\"two\nlines\"\r\n", count: 30).utf8)
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      if random.oneIn(2) { bytes.insert(specials.randomElement(using: &random) ?? 0, at: place) } else { bytes.remove(at: place) }
    }
    bytes = Array("x,y\n".utf8) + bytes
    let whole = try CSVText.read(bytes)
    for capacity in [1, 50, 700] {
      let cut = try CSVText.read(bytes, capacity: capacity)
      #expect(cut.rows == whole.rows && cut.lines == whole.lines)
      #expect(cut.problems == whole.problems)
    }
  }

  @Test("a quote that is not closed makes one row of the rest, which is told")
  func unclosed() throws {
    let read = try CSVText.read("a,b\n1,2\n\"3,4\n5,6\n")
    #expect(read.problems == [CSVRows.Problem(row: 1, reason: "a quote is not closed")])
    #expect(read.rows == [["1", "2"], ["3,4\n5,6\n"]])
  }

  @Test("a file without a first row is no file of comma-separated values", arguments: ["", "\n\n", "\u{FEFF}"])
  func empty(text: String) {
    #expect(throws: CSVError(.malformed, file: "x", line: 1, reason: "there is no first row with the names of the columns")) {
      do {
        _ = try CSVText.read(text)
      } catch var error as CSVError {
        error.file = "x"
        throw error
      }
    }
  }

  /// Rows and problems, found byte by byte.
  private struct PlainRows {
    var rows: [[[UInt8]]] = []
    var problems: [Int] = []
    private var isUnclosed = false

    /// A quote that is not closed is closed at the end, and is a problem of the last row.
    init(_ bytes: [UInt8]) {
      self.init(asTheyAre: bytes)
      if isUnclosed {
        self.init(asTheyAre: bytes + Array("\"\n".utf8))
        if problems.last != rows.count - 1 { problems.append(rows.count - 1) }
      }
    }

    private init(asTheyAre bytes: [UInt8]) {
      var row: [[UInt8]] = []
      var field: [UInt8] = []
      var isWithin = false
      var isWrong = false
      var mayOpen = true
      var hasClosed = false
      func isLineEnd(_ index: Int) -> Bool {
        bytes[index] == UInt8(ascii: "\r") && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n")
      }
      for (index, byte) in bytes.enumerated() {
        let isQuote = byte == UInt8(ascii: "\"")
        let ends = !isWithin && (byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n"))
        if isQuote, !isWithin, !mayOpen, !hasClosed { isWrong = true }
        if hasClosed, !ends, !isQuote, !isLineEnd(index) { isWrong = true }
        if isQuote { isWithin.toggle() }
        hasClosed = isQuote && !isWithin
        mayOpen = ends
        guard ends else {
          field.append(byte)
          continue
        }
        if byte == UInt8(ascii: "\n"), field.last == UInt8(ascii: "\r") { field.removeLast() }
        row.append(field)
        field = []
        guard byte == UInt8(ascii: "\n") else { continue }
        if row != [[]] {
          if isWrong { problems.append(rows.count) }
          rows.append(row)
        }
        (row, isWrong) = ([], false)
      }
      isUnclosed = isWithin
    }
  }

  @Test("every set of instructions finds what a reading byte by byte finds", arguments: CSVRows.levels, 0..<40 as Range<UInt64>)
  func instructions(level: Int32, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    // From rows of empty fields, with 64 ends in 64 bytes, to long texts.
    let pieces: [[UInt8]] = ["", "", "a", "7.25", "\"b,\nc\"", "\"\"", "long text without an end", "\r", "x\"y"].map {
      Array($0.utf8)
    }
    let known = Int.random(in: 1...pieces.count, using: &random)
    var bytes = Array("x,y\n".utf8)
    for _ in 0..<Int.random(in: 0...3000, using: &random) {
      bytes += pieces[Int.random(in: 0..<known, using: &random)]
      bytes.append(random.oneIn(Int.random(in: 1...40, using: &random)) ? UInt8(ascii: "\n") : UInt8(ascii: ","))
    }
    // Ends with a field that needs no repair.
    bytes += Array("z\n".utf8)
    let source = CSVSource(bytes: bytes, name: "text")
    let (block, rows) = (CSVBlock(), CSVRows(level: level))
    #expect(try source.next(into: block))
    rows.load(block)
    let plain = PlainRows(Array(bytes.dropFirst(4)))
    #expect(rows.count == plain.rows.count)
    #expect(rows.problems.map(\.row) == plain.problems)
    for (row, fields) in plain.rows.enumerated() where row < rows.count {
      #expect(rows.fieldCount(ofRow: row) == fields.count)
      for (column, field) in fields.enumerated() where column < rows.fieldCount(ofRow: row) && !field.contains(UInt8(ascii: "\""))
      {
        #expect(Array(rows.text(row: row, column: column)) == field)
      }
    }
    for column in 0..<3 {
      let ranges = rows.ranges(ofColumn: column)
      let texts = ranges.map { String(decoding: rows.text(in: $0), as: UTF8.self) }
      let expected = (0..<rows.count).map { row in
        column < rows.fieldCount(ofRow: row) ? String(decoding: rows.text(row: row, column: column), as: UTF8.self) : ""
      }
      #expect(texts == expected)
    }
  }
}
