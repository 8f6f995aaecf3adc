import Testing
import ValueStreamCore

@Suite("Log coverage")
struct LogCoverageTests {
  private static func position(_ writer: UInt64, _ number: UInt64) -> LogPosition { LogPosition(writer: writer, number: number) }

  @Test("A position has a writer and a number, and is ordered by number within a writer")
  func positions() {
    let position = Self.position(3, 7)
    #expect(position.writer == 3 && position.number == 7)
    #expect(LogPosition(rawValue: 7) == Self.position(0, 7))
    #expect(Self.position(3, 7) < Self.position(3, 8))
    let last = Self.position(LogPosition.writerLimit, LogPosition.numberLimit)
    #expect(last.writer == LogPosition.writerLimit && last.number == LogPosition.numberLimit)
    #expect(last.rawValue == UInt64.max >> 1)
  }

  @Test("A coverage contains all deliveries of a writer up to the last covered one, and none of other writers")
  func contents() {
    let coverage = LogCoverage([Self.position(2, 5), Self.position(1, 9), Self.position(2, 3)])
    #expect(coverage.ends == [Self.position(1, 9), Self.position(2, 5)])
    #expect(coverage.contains(Self.position(2, 5)) && coverage.contains(Self.position(1, 1)))
    #expect(!coverage.contains(Self.position(2, 6)) && !coverage.contains(Self.position(3, 1)))
    #expect(coverage.end(of: 2) == Self.position(2, 5))
    #expect(coverage.end(of: 3) == nil)
    #expect(coverage.contains(LogCoverage()))
    #expect(!LogCoverage(Self.position(1, 9)).contains(coverage))
  }

  @Test("Union and intersection agree with those of the sets of covered deliveries")
  func sets() {
    var random = SystemRandomNumberGenerator()
    let all = (0..<4).flatMap { writer in (1...6).map { Self.position(writer, $0) } }
    for _ in 0..<300 {
      let (left, right) = (Self.coverage(&random), Self.coverage(&random))
      let (union, intersection) = (left.union(right), left.intersection(right))
      for position in all {
        #expect(union.contains(position) == (left.contains(position) || right.contains(position)))
        #expect(intersection.contains(position) == (left.contains(position) && right.contains(position)))
      }
      #expect(left.contains(right) == all.allSatisfy { !right.contains($0) || left.contains($0) })
      #expect(left.count(beyond: right) == UInt64(all.count { left.contains($0) && !right.contains($0) }))
      #expect(left.union(right) == right.union(left))
    }
  }

  private static func coverage(_ random: inout some RandomNumberGenerator) -> LogCoverage {
    LogCoverage((0..<UInt64.random(in: 0...4, using: &random)).map { position($0, UInt64.random(in: 1...6, using: &random)) })
  }
}
