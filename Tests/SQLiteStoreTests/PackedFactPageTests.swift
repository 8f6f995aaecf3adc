import Testing
import ValueStreamTesting

@testable import SQLiteStore
@testable import ValueStreamCore

@Suite("Packed pages of facts")
struct PackedFactPageTests {
  static let kinds = FactKind.allCases.filter { FactLayout.of($0) != nil }

  /// A page of random rows, whose members are alike in one of the ways in which stored members are.
  private struct Sample {
    var page: [UInt8] = []
    var rows: [(subject: Int64, bytes: [UInt8])] = []

    init(_ layout: FactLayout, rowCount: Int, _ random: inout SeededRandom) {
      var bytes = [[UInt8]](repeating: [UInt8](repeating: 0, count: layout.byteCount), count: rowCount)
      for member in layout.ofReports + layout.others {
        let (way, base) = (random.next() % 7, random.next() >> (random.next() % 63))
        for row in 0..<rowCount {
          let value: UInt64 =
            switch way {
            case 0: base
            case 1: base &+ random.next() % 300
            case 2: base &+ random.next() % 100_000 &* 1_000_000_000
            case 3: random.next() % 3 == 0 ? .max : base >> 1 &+ random.next() % 100_000 &* 1_000_000
            case 4: [0, 1, .max, .max / 2, .max / 2 + 1, .max - 1][Int(random.next() % 6)]
            case 5: .max
            default: random.next()
            }
          for place in 0..<member.width {
            bytes[row][member.offset + place] = UInt8(truncatingIfNeeded: value >> UInt64(8 * place))
          }
        }
      }
      var subject = Int64(bitPattern: random.next()) >> 8
      while rows.count < rowCount {
        let group = bytes[rows.count..<min(rowCount, rows.count + 1 + Int(random.next() % 4))]
        var packed: [UInt8] = []
        for row in group { FactRows.append(row, to: &packed) }
        packed.withUnsafeBytes { FactPage.append(subject, $0, to: &page) }
        for row in group { rows.append((subject, row)) }
        subject += 1 + Int64(random.next() % 1000)
      }
    }
  }

  @Test("hold what was packed, and give reports the members that they read", arguments: kinds)
  func roundTrip(kind: FactKind) throws {
    let layout = try #require(FactLayout.of(kind))
    var random = SeededRandom(seed: UInt64(kind.rawValue))
    for round in 0..<60 {
      let sample = Sample(layout, rowCount: 16 + Int(random.next() % 200), &random)
      let packed = try #require(try PackedFactPage.pack(sample.page, kind))
      let overridden = round % 2 == 0 ? [] : sample.rows.map(\.subject).filter { $0 % 3 == 0 }
      var found: [[UInt8]] = []
      try packed.first.withUnsafeBytes { bytes in
        #expect(PackedFactPage.isPacked(bytes))
        let page = try PackedFactPage(bytes, kind)
        #expect(try packed.rest.withUnsafeBytes { try page.unpacked($0) } == sample.page)
        try page.visitRows(except: overridden) { found.append(Array($0)) }
      }
      let expected = sample.rows.filter { !overridden.contains($0.subject) }.map(\.bytes)
      #expect(found.count == expected.count)
      for (found, expected) in zip(found, expected) {
        for member in layout.ofReports {
          let place = member.offset..<member.offset + member.width
          #expect(found[place] == expected[place])
        }
      }
    }
  }

  @Test("take half the room if times are whole seconds")
  func size() throws {
    let changes = (1...400).map { FactSamples.change($0, mergedOn: 1) }
    var page: [UInt8] = []
    for change in changes {
      var rows: [UInt8] = []
      FactRows.append(EncodedFact(change).bytes, to: &rows)
      rows.withUnsafeBytes { FactPage.append(Int64(change.id.rawValue), $0, to: &page) }
    }
    let packed = try #require(try PackedFactPage.pack(page, .change))
    #expect(packed.first.count + packed.rest.count < page.count / 2)
  }

  @Test("are damaged if a byte of either part differs")
  func damage() throws {
    var random = SeededRandom(seed: 9)
    let layout = try #require(FactLayout.of(.change))
    let sample = Sample(layout, rowCount: 40, &random)
    let packed = try #require(try PackedFactPage.pack(sample.page, .change))
    let checksum = packed.first.withUnsafeBytes { FactPage.checksum(of: $0) }
    for place in stride(from: 0, to: packed.first.count, by: 7) {
      var changed = packed.first
      changed[place] ^= 1 << UInt8(place % 8)
      #expect(changed.withUnsafeBytes { FactPage.checksum(of: $0) } != checksum)
    }
    for place in stride(from: 0, to: packed.rest.count, by: 7) {
      var changed = packed.rest
      changed[place] ^= 1 << UInt8(place % 8)
      #expect(throws: DamagedBytes.self) {
        try packed.first.withUnsafeBytes { bytes in
          let page = try PackedFactPage(bytes, .change)
          return try changed.withUnsafeBytes { try page.unpacked($0) }
        }
      }
    }
  }

  @Test("of impossible numbers and lengths are damaged, and nothing traps")
  func impossible() throws {
    var random = SeededRandom(seed: 10)
    let sample = Sample(try #require(FactLayout.of(.run)), rowCount: 20, &random)
    let packed = try #require(try PackedFactPage.pack(sample.page, .run))
    for count in 0..<packed.first.count {
      #expect(throws: DamagedBytes.self) {
        try packed.first[..<count].withUnsafeBytes { try PackedFactPage($0, .run).visitRows(except: []) { _ in } }
      }
    }
    for _ in 0..<3000 {
      var changed = packed.first
      changed[12 + Int(random.next() % 40)] = UInt8(truncatingIfNeeded: random.next())
      // Whether it throws depends on the byte.
      _ = try? changed.withUnsafeBytes { try PackedFactPage($0, .run).visitRows(except: []) { _ in } }
    }
  }

  @Test("are not made of few rows, rows of another length, and kinds whose rows differ in length")
  func unpacked() throws {
    var random = SeededRandom(seed: 11)
    let layout = try #require(FactLayout.of(.run))
    #expect(try PackedFactPage.pack(Sample(layout, rowCount: 15, &random).page, .run) == nil)
    #expect(try PackedFactPage.pack(Sample(layout, rowCount: 40, &random).page, .change) == nil)
    #expect(try PackedFactPage.pack(Sample(layout, rowCount: 40, &random).page, .issue) == nil)
    #expect(try PackedFactPage.pack([], .run) == nil)
  }
}
