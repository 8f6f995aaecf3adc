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
}
