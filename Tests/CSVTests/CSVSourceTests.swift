import CSV
import Foundation
import Synchronization
import Testing

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
