import Testing
import ValueStreamTesting

@testable import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Lines for a reader who may not read") struct LineQueueTests {
  /// A pipe with a reading and a writing descriptor.
  private final class Pipe {
    let reading: Int32
    let writing: Int32

    init() throws {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      (reading, writing) = (ends[0], ends[1])
    }

    deinit {
      close(reading)
      close(writing)
    }

    /// Reads until the lines that have arrived are enough, and returns all lines.
    func lines(until isEnough: ([String]) -> Bool) -> [String] {
      var text: [UInt8] = []
      var lines: [String] = []
      while text.last != 10 || !isEnough(lines) {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        let size = read(reading, &piece, piece.count)
        if size <= 0 { break }
        text += piece.prefix(size)
        lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
      }
      return lines
    }
  }

  private static func lossLine(_ count: UInt64) -> [UInt8] { Array("lost \(count)\n".utf8) }

  @Test("lines come in order, and whole, however long they are")
  func order() throws {
    let pipe = try Pipe()
    let queue = try #require(LineQueue(to: pipe.writing, lossLine: Self.lossLine))
    let long = String(repeating: "x", count: 50_000)
    for index in 0..<20 { queue.write(Array("\(index) \(long)\n".utf8)) }
    #expect(pipe.lines { $0.count >= 20 } == (0..<20).map { "\($0) \(long)" })
    #expect(queue.lostCount == 0)
    queue.finish(atMost: 10_000)
  }

  @Test("a reader who does not read stops nobody: what finds no room is counted, and told when there is room again")
  func fullPipe() throws {
    let pipe = try Pipe()
    let queue = try #require(LineQueue(to: pipe.writing, limit: 100_000, lossLine: Self.lossLine))
    let line = Array((String(repeating: "y", count: 999) + "\n").utf8)
    // These lines exceed the capacity of pipe and queue together. A blocking write would never return.
    for _ in 0..<2000 { queue.write(line) }
    #expect(queue.lostCount > 0)
    #expect(!queue.hasRoom)
    let kept = 2000 - Int(queue.lostCount)
    // `finish` returns even though nobody reads.
    queue.finish(atMost: 10)
    // How many lines report the loss depends on when the thread comes to look; together they report all of it.
    func reported(_ lines: [String]) -> UInt64 {
      lines.filter { $0.hasPrefix("lost ") }.compactMap { UInt64($0.dropFirst(5)) }.reduce(0, +)
    }
    let lines = pipe.lines { lines in lines.count > kept && reported(lines) >= queue.lostCount }
    #expect(lines.filter { $0.hasPrefix("y") }.count == kept)
    #expect(reported(lines) == queue.lostCount)
    #expect(lines.allSatisfy { $0.hasPrefix("y") || $0.hasPrefix("lost ") })
  }

  @Test("a stream that is closed loses lines, and nothing else")
  func closed() throws {
    let queue = try #require(LineQueue(to: -1, lossLine: Self.lossLine))
    queue.write(Array("gone\n".utf8))
    queue.finish(atMost: 10_000)
    #expect(queue.lostCount == 0)
  }
}
