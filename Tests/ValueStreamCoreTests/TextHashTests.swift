import Testing
import ValueStreamCore

@Suite("Hashes of short texts")
struct TextHashTests {
  @Test("Texts with the same bytes have the same hash, however they are stored")
  func sameBytes() {
    var random = SeededRandom(seed: 11)
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 32...126, using: &random) }
      let text = String(decoding: bytes, as: UTF8.self)
      let other = String(decoding: [UInt8(ascii: "x")] + bytes + [UInt8(ascii: "y")], as: UTF8.self).dropFirst().dropLast()
      #expect(TextHash.hash(of: text, seed: length) == TextHash.hash(of: String(other), seed: length))
      #expect(bytes.withUnsafeBytes { TextHash.hash(of: $0) } == TextHash.hash(of: text))
    }
  }

  @Test("One byte more, fewer or changed changes the hash")
  func oneByte() {
    var random = SeededRandom(seed: 12)
    for length in 1..<100 {
      let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      let hash = bytes.withUnsafeBytes { TextHash.hash(of: $0) }
      for index in bytes.indices {
        var changed = bytes
        changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        #expect(changed.withUnsafeBytes { TextHash.hash(of: $0) } != hash)
      }
      #expect((bytes + [0]).withUnsafeBytes { TextHash.hash(of: $0) } != hash)
      #expect(bytes.dropLast().withUnsafeBytes { TextHash.hash(of: $0) } != hash)
    }
  }

  @Test("Numbers of one repository spread over a table, whatever its seed", arguments: [0, 1, -1, 1 << 40])
  func spread(seed: Int) {
    let tableSize = 4096
    var counts = [Int](repeating: 0, count: tableSize)
    for number in 0..<tableSize {
      let key = SubjectKey(source: "github", host: "github.com", container: "197483389", kind: "issue", id: "\(number)")
      counts[TextHash.hash(of: key.description, seed: seed) & (tableSize - 1)] += 1
    }
    // With random numbers, 4096 / e = 1507 places stay empty on average, with a standard deviation of 20, and none has 12.
    #expect((1350...1650).contains(counts.count { $0 == 0 }))
    #expect(counts.allSatisfy { $0 < 12 })
  }

  @Test("Keys and names are equal, and found, if and only if their bytes are the same")
  func tables() {
    // Two encodings of the same letter.
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    #expect(composed == decomposed)
    let references: Set = [Reference(.issue, composed), Reference(.issue, decomposed), Reference(.commit, composed)]
    #expect(references.count == 3)
    #expect(references.contains(Reference(.issue, "caf" + "\u{e9}")))
    #expect(Set([ExactText(composed), ExactText(decomposed), ExactText(composed)]).count == 2)
    let keys = (0..<1000).map { SubjectKey(source: "jira", host: "é", container: "", kind: "issue", id: "\($0 % 500)") }
    let numbers = Dictionary(keys.enumerated().map { ($1, $0) }) { _, last in last }
    #expect(numbers.count == 500)
    for (index, key) in keys.enumerated() { #expect(numbers[key] == index % 500 + 500) }
  }
}
