import Testing
import ValueStreamTesting

@testable import ValueStreamCore

@Suite("Hashes of content")
struct ContentHasherTests {
  /// Stored hashes decide between events and find duplicates, so that they must never change.
  @Test(
    "are those that stores hold",
    arguments: [
      ("", 0xa8fc_da74_df2d_1d93), ("a", 0x2dd6_d461_f7d5_cbb4), ("1234567", 0x9968_bd2b_56a5_02d5),
      ("12345678", 0x06fe_d0b0_123b_9974), ("valuestream.issue.title", 0x3673_5afd_e7f6_3a91),
    ] as [(String, UInt64)])
  func knownValues(text: String, value: UInt64) {
    var hasher = ContentHasher()
    hasher.add(text)
    #expect(hasher.value == value)
  }

  @Test("take eight bytes at a time, the first one least significant, and the rest as one number")
  func words() {
    var random = SeededRandom(seed: 5)
    for length in 0..<70 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      var wanted = ContentHasher()
      wanted.add(UInt64(length))
      for start in stride(from: 0, to: length, by: 8) {
        wanted.add(bytes[start..<min(start + 8, length)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      }
      var hasher = ContentHasher()
      bytes.withUnsafeBytes { hasher.add($0) }
      #expect(hasher.wide == wanted.wide, "\(length) bytes")
    }
  }
}
