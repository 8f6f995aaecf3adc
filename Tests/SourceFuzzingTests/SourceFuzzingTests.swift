import Foundation
import SourceFuzzing
import Testing

/// A short run of the fuzzing that `make fuzz` does for longer.
@Suite("Broken payloads")
struct SourceFuzzingTests {
  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path

  @Test("Nothing traps on broken payloads, and all errors name a place", arguments: SourceFuzzer.names)
  func short(source: String) throws {
    let fuzzer = try SourceFuzzer(source, tests: Self.tests)
    var counts = SourceFuzzer.Counts()
    let inputs = ProcessInfo.processInfo.environment["VALUESTREAM_LONG_TESTS"] == nil ? 4000 : 100_000
    for number in 0..<UInt64(inputs) {
      do {
        try fuzzer.feed(number, counting: &counts)
      } catch {
        Issue.record("payload \(number) of \(source): \(error)")
      }
    }
    #expect(counts.understood > inputs / 20, "\(counts)")
    #expect(counts.refused > inputs / 20, "\(counts)")
  }

  @Test("A number gives the same payload again, another number another")
  func reproducible() throws {
    let fuzzer = try SourceFuzzer("github", tests: Self.tests)
    #expect(fuzzer.payload(7) == fuzzer.payload(7))
    #expect(Set((0..<200).map { fuzzer.payload($0) }).count > 190)
  }
}
