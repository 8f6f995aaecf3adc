import APIClient
import CSV
import Foundation
import SampleReports
import Testing

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

  @Test("have durations without a comb: no bar of a distribution is far from those beside it")
  func noComb() {
    let lines = String(decoding: Self.bytes(rows: 40_000, seed: 3), as: UTF8.self).split(separator: "\n").dropFirst()
    let durations = lines.compactMap { Double($0.split(separator: ",")[4]) }
    #expect(durations.count == 40_000)
    // A histogram with eight bars per power of two; compare neighbors in the middle of the distribution.
    var bars = [Int](repeating: 0, count: 8 * 30)
    for duration in durations { bars[Int(log2(duration) * 8)] += 1 }
    for middle in 8 * 14..<8 * 17 {
      let beside = Double(bars[middle - 1] + bars[middle + 1]) / 2
      #expect(abs(Double(bars[middle]) - beside) < beside / 5, "\(bars[middle - 1...middle + 1])")
    }
  }
}
