import CSV
import Foundation
import SampleReports
import Testing
import VendorAPI

@Suite("Made-up pull requests")
struct SamplePullRequestsTests {
  private static func bytes(rows: Int, seed: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    SamplePullRequests(rows: rows, seed: seed).write { (some: [UInt8]) throws(Never) in bytes += some }
    return bytes
  }

  @Test("are the same for the same seed, and others for another")
  func seeds() {
    #expect(Self.bytes(rows: 300, seed: 7) == Self.bytes(rows: 300, seed: 7))
    #expect(Self.bytes(rows: 300, seed: 7) != Self.bytes(rows: 300, seed: 8))
  }

  @Test("have the columns of real ones")
  func columns() {
    #expect(SamplePullRequests.columns == ChangeRecord.columns(.standard))
  }

  @Test("are as many as are wanted, of some 225 bytes each", arguments: [0, 1, 39, 41, 2000])
  func rows(count: Int) throws {
    let bytes = Self.bytes(rows: count, seed: 1)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sample-\(UUID().uuidString)")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let source = CSVSource([file.path])
    let (block, rows) = (CSVBlock(), CSVRows())
    var found = 0
    while try source.next(into: block) {
      rows.load(block)
      #expect(block.file.columns == SamplePullRequests.columns)
      #expect(rows.problems.isEmpty)
      for row in 0..<rows.count {
        #expect(rows.fieldCount(ofRow: row) == 19)
        let fields = (0..<19).map { String(decoding: rows.text(row: row, column: $0), as: UTF8.self) }
        let (duration, comments, lines) = (Double(fields[4]), Double(fields[5]), Double(fields[8]))
        #expect(Double(fields[9]) == comments.flatMap { $0 == 0 ? nil : (duration ?? 0) / $0 })
        #expect(Double(fields[10]) == lines.flatMap { $0 == 0 ? nil : (duration ?? 0) / $0 })
        #expect((fields[3] == "true") == !fields[12].isEmpty)
      }
      found += rows.count
    }
    #expect(found == count)
    if count == 2000 { #expect((215...240).contains(bytes.count / count), "\(bytes.count / count)") }
  }
}
