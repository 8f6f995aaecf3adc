import DeliveryMetrics
import Testing
import ValueStreamCore

@Suite struct TimeZoneRulesTests {
  /// A version 2 file with one change, from no offset to `seconds`, and a rule for the time after it.
  func file(change: Int64 = 0, to seconds: Int32 = 3600, rule: String) -> [UInt8] {
    func big(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    func header(_ counts: [Int32]) -> [UInt8] {
      Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + counts.flatMap { big($0) }
    }
    let types = big(Int32(0)) + [0, 0] + big(seconds) + [0, 0]
    return header([0, 0, 0, 0, 1, 1]) + big(Int32(0)) + [0, 0, 0] + header([0, 0, 0, 1, 2, 1]) + big(change) + [1] + types
      + [0] + [10] + Array(rule.utf8) + [10]
  }

  @Test("Offsets follow the changes of the file, and its rule after the last one")
  func offsets() throws {
    let zone = try #require(TimeZoneRules(name: "Test", file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")))
    #expect(zone.offset(atSeconds: -1) == 0)
    // In 2026, summer begins on 29 March and ends on 25 October, both at 01:00 UTC.
    #expect(zone.offset(atSeconds: at(3, 29, 0, 59).seconds) == 3600)
    #expect(zone.offset(atSeconds: at(3, 29, 1).seconds) == 7200)
    #expect(zone.offset(atSeconds: at(10, 25, 0, 59).seconds) == 7200)
    #expect(zone.offset(atSeconds: at(10, 25, 1).seconds) == 3600)
  }

  @Test("Rules of the south, with fixed offsets, days of the year and odd offsets")
  func rules() throws {
    let south = try #require(TimeZoneRules(name: "South", file(rule: "AEST-10AEDT,M10.1.0,M4.1.0/3")))
    #expect(south.offset(atSeconds: at(1, 15).seconds) == 39_600)
    #expect(south.offset(atSeconds: at(7, 15).seconds) == 36_000)
    let fixed = try #require(TimeZoneRules(name: "Fixed", file(rule: "<+0545>-5:45")))
    #expect(fixed.offset(atSeconds: at(7, 15).seconds) == 20_700)
    let days = try #require(TimeZoneRules(name: "Days", file(rule: "XXX0YYY,J60/0,300/0")))
    #expect(days.offset(atSeconds: at(2, 28).seconds) == 0)
    #expect(days.offset(atSeconds: at(3, 1, 0).seconds) == 3600)
  }

  @Test("Days begin with the local date, also where clocks skip midnight")
  func days() throws {
    let berlin = try #require(TimeZoneRules(name: "Test", file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")))
    #expect(berlin.localDay(of: at(3, 28, 23)) == at(3, 29).seconds / 86_400)
    #expect(berlin.start(ofLocalDay: at(3, 30).seconds / 86_400) == at(3, 29, 22))
    #expect(berlin.start(ofLocalDay: at(3, 29).seconds / 86_400) == at(3, 28, 23))
    // Clocks go from 00:00 to 01:00, as in Beirut.
    let beirut = try #require(TimeZoneRules(name: "Test", file(rule: "EET-2EEST,M3.5.0/0,M10.5.0/0")))
    #expect(beirut.start(ofLocalDay: at(3, 29).seconds / 86_400) == at(3, 28, 22))
    #expect(beirut.localDay(of: at(3, 28, 22)) == at(3, 29).seconds / 86_400)
  }

  @Test("The system's database gives the zones of the world")
  func system() throws {
    let berlin = try TimeZoneRules.named("Europe/Berlin")
    #expect(berlin.offset(atSeconds: at(1, 15).seconds) == 3600)
    #expect(berlin.offset(atSeconds: at(7, 15).seconds) == 7200)
    // Beyond the last change of the file.
    #expect(berlin.offset(atSeconds: 4_120_000_000) == 7200)
    #expect(try TimeZoneRules.named("America/New_York").offset(atSeconds: at(7, 15).seconds) == -14_400)
    #expect(try TimeZoneRules.named("UTC") == .utc)
  }

  @Test("Unknown zones and paths are errors", arguments: ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "Europe"])
  func unknown(name: String) {
    #expect(throws: ReportError.self) { try TimeZoneRules.named(name) }
  }

  @Test("A damaged file gives no rules, and never ends the process")
  func damaged() {
    let whole = file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")
    for length in 0..<whole.count { _ = TimeZoneRules(name: "Cut", Array(whole[..<length])) }
    var random = SeededRandom(seed: 1)
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0..<4 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      if let zone = TimeZoneRules(name: "Broken", bytes) { _ = zone.start(ofLocalDay: 20_000) }
    }
    #expect(TimeZoneRules(name: "Text", Array("no zone".utf8)) == nil)
  }

  @Test("Buckets are local, weeks begin on Monday, and months have their lengths")
  func buckets() throws {
    let zone = try #require(TimeZoneRules(name: "Test", file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")))
    let window = TimeWindow(start: at(3, 25), end: at(4, 5))
    let weeks = try TimeBuckets(.week, of: window, zone: zone, historyBegan: at(1, 1), now: at(5, 1))
    #expect(weeks.buckets.map(\.window.start) == [at(3, 22, 23), at(3, 29, 22)])
    #expect(weeks.buckets.map(\.isPartial) == [true, true])
    let months = try TimeBuckets(.month, of: window, zone: zone, historyBegan: nil, now: at(5, 1))
    #expect(months.buckets.map(\.window.start) == [at(2, 28, 23), at(3, 31, 22)])
    #expect(weeks.index(of: at(3, 29, 21)) == 0)
    #expect(weeks.index(of: at(3, 29, 22)) == 1)
    #expect(weeks.index(of: at(3, 1)) == nil)
    #expect(throws: ReportError.self) {
      try TimeBuckets(
        .day, of: TimeWindow(start: .epoch, end: .latest), zone: zone, historyBegan: nil, now: at(5, 1))
    }
  }
}
