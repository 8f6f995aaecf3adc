import ValueStreamCore

/// Generates broken payloads from valid ones. The same number always gives the same payload.
package struct PayloadMutator {
  private let seeds: [Seed]

  /// A valid payload with the places where mutations apply.
  private struct Seed {
    var bytes: [UInt8]
    /// The byte range of each value.
    var values: [Range<Int>]
    /// The byte range of each object member, from its name to the end of its value.
    var members: [Range<Int>]
  }

  /// - Parameter payloads: Valid JSON documents.
  package init(_ payloads: [[UInt8]]) {
    seeds = payloads.map { bytes in
      var places = Places(bytes)
      places.value()
      return Seed(bytes: bytes, values: places.values, members: places.members)
    }
  }

  /// Returns the payload with a number and the index of the seed that it comes from.
  package func payload(_ number: UInt64) -> (bytes: [UInt8], seed: Int) {
    var random = SeededRandom(seed: number)
    let index = Int.random(in: seeds.indices, using: &random)
    var bytes = seeds[index].bytes
    // A mutation moves all places, so only the first one follows the structure. Later ones hit random bytes.
    bytes = mutated(seeds[index], &random)
    while random.oneIn(3) { bytes = scratched(bytes, &random) }
    return (bytes, index)
  }

  // MARK: Structural mutations

  private func mutated(_ seed: Seed, _ random: inout SeededRandom) -> [UInt8] {
    guard let value = seed.values.randomElement(using: &random), let member = seed.members.randomElement(using: &random) else {
      return scratched(seed.bytes, &random)
    }
    var bytes = seed.bytes
    switch Int.random(in: 0..<11, using: &random) {
    case 0, 1, 2, 3: bytes.replaceSubrange(value, with: Self.literal(&random))
    case 4: bytes.replaceSubrange(value, with: seed.bytes[seed.values.randomElement(using: &random) ?? value])
    case 5: bytes.replaceSubrange(member, with: Array("\"x\":0".utf8))
    case 6:
      // Repeat the name with another value.
      let name = seed.bytes[member].prefix { $0 != UInt8(ascii: ":") }
      bytes.replaceSubrange(
        member.lowerBound..<member.lowerBound, with: Array(name) + [UInt8(ascii: ":")] + Self.literal(&random) + [44])
    case 7: bytes.replaceSubrange(value, with: Self.nested(&random))
    case 8 where random.oneIn(20):
      // Repeat the value up to thousands of times, which exposes algorithms that are not linear.
      let count = min(1 << Int.random(in: 4...12, using: &random), 200_000 / (value.count + 1))
      let list = [[UInt8]](repeating: Array(seed.bytes[value]), count: count).joined(separator: [UInt8(ascii: ",")])
      bytes.replaceSubrange(value, with: [UInt8(ascii: "[")] + list + [UInt8(ascii: "]")])
    case 9: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
    default: bytes = scratched(bytes, &random)
    }
    return bytes
  }

  /// Returns a literal of any type, usually an extreme one.
  private static func literal(_ random: inout SeededRandom) -> [UInt8] {
    let literals = [
      "null", "true", "false", "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308",
      "-1e308", "1e-400", "0.1", "1700000000", "1700000000000", "99999999999999999999999", "\"\"", "\"x\"", "[]", "{}", "[null]",
      "[{}]", "{\"id\":1}", "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59Z\"", "\"2262-04-11T23:47:16.854775807Z\"",
      "\"1677-09-21T00:12:43Z\"", "\"2024-02-30T00:00:00Z\"", "\"2024-03-05 10:00:00 UTC\"", "\"2024-03-05T10:00:00+23:59\"",
      "\"\\u0000\"", "\"\\ud83d\\ude80\"", "\"\\ud800\"", "\"vstrace-github-issue-site-36\"", "\"vstrace-\"", "\"Fixes #1\"",
      "\"https://github.com\"", "\"://\"", "\"refs/heads/\"", "\"job/a/job/b/1/\"", "\"job/\"", "\"completed\"", "\"INPROGRESS\"",
      "\"running\"", "\"0000000000000000000000000000000000000000\"", "\"annotate\"", "\"acme/site#12\"",
      "\"https://github.com/acme/site/pull/12\"", "[{\"kind\":\"issue\",\"value\":\"TP-3\"}]",
      "[{\"name\":\"x\",\"startedAt\":1}]",
    ]
    switch Int.random(in: 0..<12, using: &random) {
    case 0:
      return Array("\"".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 1 << Int.random(in: 4...17, using: &random)) + [34]
    case 1: return [34] + [[0xC3, 0x28], [0xFF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]][Int(random.next() % 4)] + [34]
    case 2: return Array("\(Int64(bitPattern: random.next()))".utf8)
    default: return Array((literals.randomElement(using: &random) ?? "null").utf8)
    }
  }

  private static func nested(_ random: inout SeededRandom) -> [UInt8] {
    let depth = 1 << Int.random(in: 1...12, using: &random)
    if random.oneIn(2) {
      return [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
    }
    return Array(String(repeating: "{\"a\":", count: depth).utf8) + [48] + [UInt8](repeating: UInt8(ascii: "}"), count: depth)
  }

  // MARK: Random mutations

  private func scratched(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = bytes
    guard !bytes.isEmpty else { return bytes }
    let place = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
    case 2: bytes.remove(at: place)
    default: bytes.insert(contentsOf: bytes[place...].prefix(Int.random(in: 1...40, using: &random)), at: place)
    }
    return bytes
  }
}

/// Finds values and members in valid JSON.
private struct Places {
  private let bytes: [UInt8]
  private var index = 0
  var values: [Range<Int>] = []
  var members: [Range<Int>] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func value() {
    skipSpace()
    let start = index
    guard index < bytes.count else { return }
    switch bytes[index] {
    case UInt8(ascii: "{"): elements(until: UInt8(ascii: "}"), areMembers: true)
    case UInt8(ascii: "["): elements(until: UInt8(ascii: "]"), areMembers: false)
    case UInt8(ascii: "\""): string()
    default:
      while index < bytes.count, !",]} \n\r\t".utf8.contains(bytes[index]) { index += 1 }
    }
    values.append(start..<index)
  }

  private mutating func elements(until end: UInt8, areMembers: Bool) {
    index += 1
    while true {
      skipSpace()
      guard index < bytes.count else { return }
      if bytes[index] == end {
        index += 1
        return
      }
      if bytes[index] == UInt8(ascii: ",") {
        index += 1
        continue
      }
      let start = index
      if areMembers {
        string()
        skipSpace()
        index += 1
      }
      value()
      if areMembers { members.append(start..<index) }
      if index == start { return }
    }
  }

  private mutating func string() {
    index += 1
    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
    index = min(index + 1, bytes.count)
  }

  private mutating func skipSpace() {
    while index < bytes.count, " \n\r\t".utf8.contains(bytes[index]) { index += 1 }
  }
}
