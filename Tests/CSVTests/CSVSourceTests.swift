import CSV
import Foundation
import Synchronization
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Where comma-separated values come from")
struct CSVSourceTests {
  private static let text = "n,square\n" + (0..<5000).map { "\($0),\($0 * $0)\n" }.joined()

  enum Compression: CaseIterable {
    case gzip, zstd

    func callAsFunction(_ text: some StringProtocol) -> [UInt8] {
      self == .gzip ? Compressed.gzip(Array(text.utf8)) : Compressed.zstd(Array(text.utf8))
    }
  }

  @Test("compressed files are known by their beginning, and may have several parts", arguments: Compression.allCases)
  func compressed(compress: Compression) throws {
    #expect(try CSVText.read(compress(Self.text), capacity: 1000).rows == CSVText.read(Self.text).rows)
    let half = Self.text.index(Self.text.startIndex, offsetBy: 20_000)
    let parts = compress(Self.text[..<half]) + compress("") + compress(Self.text[half...])
    #expect(try CSVText.read(parts).rows == CSVText.read(Self.text).rows)
  }

  @Test("a compressed file that breaks off or is broken is told", arguments: Compression.allCases)
  func broken(compress: Compression) throws {
    let bytes = compress(Self.text)
    let cut = #expect(throws: CSVError.self) { try CSVText.read(Array(bytes.dropLast(20))) }
    #expect(cut?.reason == "the \(compress) stream breaks off")
    #expect(cut?.code == .malformed)
    var wrong = bytes
    for index in 300..<340 { wrong[index] ^= 0x55 }
    let broken = #expect(throws: CSVError.self) { try CSVText.read(wrong) }
    #expect(broken?.reason.hasPrefix("the \(compress) stream is broken: ") == true)
  }

  @Test("several files are read in order, each with columns of its own")
  func several() throws {
    try CSVText.withFile(Array("a,b\n1,2\n".utf8)) { first in
      try CSVText.withFile(Array("b\n3\n".utf8)) { second in
        let read = try CSVText.read(files: [first, second])
        #expect(read.rows == [["1", "2"], ["3"]])
        #expect(read.columns == ["b"])
        #expect(read.lines == [2, 2])
      }
    }
  }

  @Test("a file that is not there")
  func missing() {
    #expect(throws: CSVError(.missing, file: "/nowhere.csv", reason: "No such file or directory")) {
      try CSVText.read(files: ["/nowhere.csv"])
    }
  }

  // MARK: Dialects

  private static let rows = [["a;b", "größer", "1"], ["two\nlines", "say \"x\", then go\tthere", ""]]

  private static func text(separator: String, lineEnd: String, before: String = "") -> String {
    let quoted = ([["name", "text", "n"]] + rows).map { row in
      row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: separator)
    }
    return before + quoted.joined(separator: lineEnd) + lineEnd
  }

  @Test(
    "separators of spreadsheets, with and without a line that names them",
    arguments: [
      (",", ""), (";", ""), ("\t", ""), (";", "sep=;\n"), (",", "sep=,\r\n"), ("|", "SEP=|\n"), (";", "\u{FEFF}sep=;\n"),
      (";", "\u{FEFF}"),
    ], ["\n", "\r\n"])
  func separators(dialect: (separator: String, before: String), lineEnd: String) throws {
    let text = Self.text(separator: dialect.separator, lineEnd: lineEnd, before: dialect.before)
    for capacity in [64, 1 << 18] {
      let read = try CSVText.read(text, capacity: capacity)
      #expect(read.columns == ["name", "text", "n"])
      #expect(read.rows == Self.rows)
      #expect(read.problems.isEmpty)
      #expect(read.lines == (dialect.before.contains("=") ? [3, 4] : [2, 3]))
    }
  }

  @Test("UTF-16 in both byte orders, in pieces of any size", arguments: [false, true])
  func utf16(isBigEndian: Bool) throws {
    let text = "\u{FEFF}name\tmood\n" + (0..<40_000).map { "n\($0)\t😀é\n" }.joined()
    let bytes = text.utf16.flatMap { unit in
      isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 0xFF)] : [UInt8(unit & 0xFF), UInt8(unit >> 8)]
    }
    let read = try CSVText.read(bytes, capacity: 1000)
    #expect(read.columns == ["name", "mood"])
    #expect(read.rows.count == 40_000)
    #expect(read.rows.allSatisfy { $0[1] == "😀é" })
    // Append half of a surrogate pair, then half of a code unit.
    let broken = try CSVText.read(bytes + (isBigEndian ? [0xD8, 0x3D, 0x00] : [0x3D, 0xD8, 0x00]))
    #expect(broken.rows.count == 40_001)
    #expect(broken.rows.last?.first?.hasPrefix("\u{FFFD}") == true)
  }

  @Test("lines that end with a carriage return alone are told, and those within quotes are text")
  func carriageReturns() throws {
    let error = #expect(throws: CSVError.self) { try CSVText.read("a,b\r1,2\r") }
    #expect(error?.reason.hasPrefix("lines end with a carriage return alone; save the file with line feeds") == true)
    #expect(try CSVText.read("\"a\rb\",c\n1,2\n").columns == ["a\rb", "c"])
  }

  @Test("random rows are read back from every dialect", arguments: 0..<20 as Range<UInt64>)
  func anyDialect(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let alphabet: [String] = ["a", "é", "😀", ",", ";", "\t", "\"", "\n", "\r\n", " ", "=", "'"]
    let rows = (0..<Int.random(in: 1...30, using: &random)).map { _ in
      (0..<3).map { _ in
        (0..<Int.random(in: 1...6, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }.joined()
      }
    }
    for separator in [",", ";", "\t"] {
      let text = ([["x", "y", "z"]] + rows).map { row in
        row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: separator)
      }.joined(separator: "\n")
      #expect(try CSVText.read(text, capacity: 64).rows == rows)
      let units = "\u{FEFF}\(text)".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      #expect(try CSVText.read(units).rows == rows)
    }
  }

  @Test("threads share the blocks: each row is given once")
  func threads() async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("csv-\(UUID().uuidString)").path
    try Self.text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let source = CSVSource([path])
    let found = try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<4 {
        group.addTask {
          let block = CSVBlock(capacity: 512)
          let rows = CSVRows()
          var found: [String] = []
          while try source.next(into: block) {
            rows.load(block)
            found += (0..<rows.count).map { String(decoding: rows.text(row: $0, column: 0), as: UTF8.self) }
          }
          return found
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(found.compactMap { Int($0) }.sorted() == Array(0..<5000))
  }
}
