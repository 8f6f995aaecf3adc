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
      ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"), ("1900-03-01T00:00:00Z", "1900-03-01T00:00:00Z"),
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
      let time = Timestamp(nanoseconds: Int64.random(in: .min / 2 ... .max / 2, using: &random))
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

  @Test("Arithmetic saturates instead of trapping")
  func saturates() {
    #expect(Timestamp(seconds: .max).nanoseconds == .max)
    #expect(Timestamp(milliseconds: .min).nanoseconds == .min)
    #expect(Timestamp(nanoseconds: .max).advanced(byNanoseconds: 5).nanoseconds == .max)
    #expect(Timestamp(nearest: 0x1p63).nanoseconds == .max)
    #expect(Timestamp(nearest: -.infinity).nanoseconds == .min)
    #expect(Timestamp(nearest: .nan) == .epoch)
    #expect(Timestamp(seconds: 1).seconds(since: Timestamp(nanoseconds: .min)) > 9e9)
    #expect(Timestamp(nanoseconds: .min).seconds(since: Timestamp(seconds: 1)) < -9e9)
  }
}
