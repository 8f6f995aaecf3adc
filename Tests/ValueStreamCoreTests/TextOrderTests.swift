import Testing
import ValueStreamTesting

@testable import ValueStreamCore

/// The fast comparisons of texts and lists give what those of the standard library give.
@Suite("The order of texts")
struct TextOrderTests {
  /// Texts that differ late, early or only in their encoding.
  private static func text(_ random: inout SeededRandom) -> String {
    let parts = [
      "a", "b", "A", "0", "-", "e", "e\u{301}", "\u{e9}", "\u{301}", "github:github.com", "\u{1100}\u{1161}", "\u{ac00}", "\r\n",
    ]
    return (0..<Int.random(in: 0..<6, using: &random)).map { _ in parts[Int.random(in: 0..<parts.count, using: &random)] }
      .joined()
  }

  @Test("is that of <, also for texts that combine characters", arguments: 1...4)
  func order(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<5000 {
      let shared = Int.random(in: 0..<2, using: &random) == 0 ? "" : "github:github.com:35"
      let (left, right) = (shared + Self.text(&random), shared + Self.text(&random))
      let order = left.order(to: right)
      #expect(
        (order < 0) == (left < right) && (order > 0) == (right < left), "\(left.utf8.map(\.self)) \(right.utf8.map(\.self))")
      #expect((right.order(to: left) < 0) == (right < left))
      #expect(left.hasSameBytes(as: right) == left.utf8.elementsEqual(right.utf8))
    }
  }

  @Test("orders references totally, and equal ones have equal hashes", arguments: 1...4)
  func references(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let references = (0..<60).map { _ in
      Reference(Int.random(in: 0..<2, using: &random) == 0 ? .issue : .commit, Self.text(&random))
    }
    for left in references {
      for right in references {
        let count = [left < right, right < left, left == right].count { $0 }
        #expect(count == 1, "\(left) \(right)")
        if left == right { #expect(left.hashValue == right.hashValue) }
      }
    }
    for count in [0, 1, 5, 16, 17, 60] {
      let some = Array(references.prefix(count)) + references.prefix(count / 2)
      #expect(some.distinct.sorted() == Set(some).sorted())
      let set = SmallSet(some)
      for reference in references { #expect(set.contains(reference) == some.contains(reference)) }
    }
  }
}
