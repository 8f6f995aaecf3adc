import Foundation
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Timestamps")
struct TimestampTests {
  @Test(
    "Every form vendors send is read",
    arguments: [
      ("2013-12-03T17:15:43Z", "2013-12-03T17:15:43Z"), ("2013-12-03T17:15:43.000Z", "2013-12-03T17:15:43Z"),
      ("2016-08-12 15:23:28 UTC", "2016-08-12T15:23:28Z"), ("2021-04-28 21:50:00 +0200", "2021-04-28T19:50:00Z"),
      ("2021-04-28T21:50:00.25-0500", "2021-04-29T02:50:00.25Z"), ("2021-04-28T21:50:00+02:00", "2021-04-28T19:50:00Z"),
      ("2021-04-28T21:50:00+02", "2021-04-28T19:50:00Z"), ("2024-02-29T23:59:60Z", "2024-03-01T00:00:00Z"),
      ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"), ("2200-01-01T00:00:00Z", "2200-01-01T00:00:00Z"),
      ("2024-01-01T00:00:00.1234567891Z", "2024-01-01T00:00:00.123456789Z"),
    ])
  func reads(text: String, expected: String) {
    #expect(Timestamp(rfc3339: text)?.rfc3339 == expected)
  }

  @Test(
    "What is no date is refused",
    arguments: [
      "", "2024", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00",
      "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+", "2024-01-01T00:00:00Zx", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z",
      "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00+00:01", "2200-01-01T00:00:00.000000001Z", "2262-04-11T23:47:16.9Z",
      "2024-01-01T00:60:00Z", "2024-00-10T00:00:00Z", "２024-01-01T00:00:00Z",
    ])
  func refuses(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test("Text and number agree, also with the system's calendar, over the whole range")
  func roundTrip() throws {
    var random = SeededRandom(seed: 7)
    let style = Date.ISO8601FormatStyle()
    for _ in 0..<2000 {
      let time = Timestamp(nanoseconds: Int64.random(in: 0...Timestamp.latest.nanoseconds, using: &random))
      #expect(Timestamp(rfc3339: time.rfc3339) == time)
      let whole = Timestamp(seconds: time.seconds)
      #expect(try style.parse(whole.rfc3339) == Date(timeIntervalSince1970: Double(time.seconds)))
    }
  }

  @Test("A vendor's time is greater than any time of receipt")
  func vendorBeatsReceipt() {
    let early = EventTime.vendor(Timestamp(seconds: 1))
    let late = EventTime.receipt(Timestamp(seconds: 1_000_000))
    #expect(late < early)
  }

  /// Values at which arithmetic may overflow or change units.
  private static let bounds: [Int64] = [
    .min, .min + 1, -7_258_118_400_000_000_001, -1, 0, 1, 999_999_999, 7_258_118_400, 7_258_118_400_000,
    7_258_118_400_000_000_000,
    .max - 1, .max,
  ]

  @Test("Whatever it is made of, a time can be printed and read again, and compared with any other", arguments: bounds)
  func inRange(number: Int64) {
    let times = [
      Timestamp(nanoseconds: number), Timestamp(seconds: number), Timestamp(milliseconds: number),
      Timestamp(nearest: Double(number)), Timestamp.epoch.advanced(byNanoseconds: number),
      Timestamp.latest.advanced(byNanoseconds: number), Timestamp.latest.advanced(bySeconds: Double(number)),
    ]
    for time in times {
      #expect((0...Timestamp.latest.nanoseconds).contains(time.nanoseconds))
      #expect(Timestamp(rfc3339: time.rfc3339) == time)
      for other in times { #expect(time.nanoseconds(since: other) == -other.nanoseconds(since: time)) }
    }
    let isInRange = (0...Timestamp.latest.nanoseconds).contains(number)
    #expect(Timestamp(exactly: number).map(\.nanoseconds) == (isInRange ? number : nil))
  }

  @Test(
    "A duration that a sender cannot mean is no duration",
    arguments: [1e300, -1e300, .nan, .infinity, -.infinity, 0x1p63, -0x1p63, 4e9, -4e9, .greatestFiniteMagnitude])
  func senseless(seconds: Double) {
    for time in [Timestamp.epoch, Timestamp(seconds: 1_710_000_000), .latest] {
      #expect(time.moved(byStated: seconds) == nil)
      #expect((0...Timestamp.latest.nanoseconds).contains(time.advanced(bySeconds: seconds).nanoseconds))
    }
  }

  @Test("A stated duration leads nowhere outside the range")
  func stated() {
    #expect(Timestamp(seconds: 100).moved(byStated: -99.5) == Timestamp(nanoseconds: 500_000_000))
    #expect(Timestamp(seconds: 100).moved(byStated: -101) == nil)
    #expect(Timestamp.latest.moved(byStated: 1e-9) == nil)
    #expect(Timestamp(nearest: .nan) == .epoch)
    #expect(Timestamp(nearest: 0x1p63) == .latest)
  }
}
