import Testing
import ValueStreamCore

@testable import Aggregates

@Suite("What fields say")
struct FieldTextTests {
  private static func bytes<Value>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
    PaddedText.withBytes(of: text, body)
  }

  @Test("numbers, and what stands where there is none")
  func numbers() {
    for text in ["", " "] {
      guard case .empty = Self.bytes(text, FieldText.number) else {
        Issue.record("\"\(text)\" is not empty")
        continue
      }
    }
    for text in ["NaN", "nan", "+Inf", "-Inf", "Inf", "inf", "+Infinity", "-infinity", "1e400"] {
      guard case .undefined = Self.bytes(text, FieldText.number) else {
        Issue.record("\"\(text)\" is not undefined")
        continue
      }
    }
    for (text, expected) in [("12", 12), (" 12 ", 12), ("-1.5", -1.5), ("1e3", 1000)] {
      guard case .finite(let number) = Self.bytes(text, FieldText.number) else {
        Issue.record("\"\(text)\" is no number")
        continue
      }
      #expect(number == expected)
    }
    for text in ["soon", "1 2", "Information", "+", "0x1"] { #expect(Self.bytes(text, FieldText.number) == nil) }
  }

  @Test("booleans")
  func flags() {
    for text in ["true", "TRUE", "True", "t", "1", "yes", "Yes", " yes"] { #expect(Self.bytes(text, FieldText.flag) == true) }
    for text in ["false", "F", "0", "no", ""] { #expect(Self.bytes(text, FieldText.flag) == false) }
    for text in ["maybe", "2", "truer", "trueandmuchmore"] { #expect(Self.bytes(text, FieldText.flag) == nil) }
  }

  @Test(
    "times keep the date that they write",
    arguments: [
      ("2020-01-02T15:04:05Z", 18_263, 0), ("2020-01-02T23:30:00-05:00", 18_263, -18_000),
      ("2020-01-03T00:30:00+02:00", 18_264, 7200),
      ("2020-02-29T00:00:00.5Z", 18_321, 0), ("2020-01-02 15:04:05 +0530", 18_263, 19_800),
    ] as [(String, Int, Int64)])
  func instants(text: String, day: Int, offset: Int64) throws {
    guard case .present(let instant) = Self.bytes(text, FieldText.instant) else {
      Issue.record("\(text) is no time")
      return
    }
    #expect(instant.localDay == day)
    #expect(instant.offsetSeconds == offset)
    #expect(instant.timestamp == Timestamp(rfc3339: text))
  }

  @Test("Go's zero time is none, and what is no time is told")
  func otherInstants() {
    for text in ["", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"] {
      guard case .absent = Self.bytes(text, FieldText.instant) else {
        Issue.record("\"\(text)\" is not absent")
        continue
      }
    }
    let wrong = [
      "yesterday", "2020-01-02", "2020-02-30T00:00:00Z", "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z",
      "2020-01-00T00:00:00Z", "2020-01-02T24:00:00Z", "2020-01-02T15:60:05Z", "2020-01-02T15:04:61Z", "202a-01-02T15:04:05Z",
      "2020-01-02T15:04:05", "3020-01-02T15:04:05Z", "2020-01-02T15:04:05X", "2020/01/02T15:04:05Z",
    ]
    for text in wrong {
      let isTold = Self.bytes(text) { FieldText.instant($0) == nil }
      #expect(isTold, "\(text)")
    }
  }

  @Test("the short ways read what the long ones read, or nothing", arguments: 0..<40 as Range<UInt64>)
  func plainForms(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var date = FieldText.WrittenDate()
    for _ in 0..<300 {
      let days = ["2020-01-02", "2020-01-02", "1970-01-01", "2021-02-29", "2020-02-29", "2020-13-01", "\u{0}\u{0}"]
      let clocks = ["15:04:05", "00:00:00", "23:59:59", "24:00:00", "23:60:00", "23:59:60", "1a:00:00", "15-04-05"]
      var text = (days.randomElement(using: &random) ?? "") + "T" + (clocks.randomElement(using: &random) ?? "") + "Z"
      if random.oneIn(4) {
        // Any one byte replaced.
        var bytes = Array(text.utf8)
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0..<128, using: &random)
        text = String(decoding: bytes, as: UTF8.self)
      }
      let seconds = PaddedText.withBytes(of: text) { text in
        text.baseAddress.flatMap { FieldText.plainSeconds(UnsafeRawPointer($0), count: text.count, after: &date) }
      }
      if let seconds {
        guard case .present(let instant) = Self.bytes(text, FieldText.instant) else {
          Issue.record("\(text) is no time")
          continue
        }
        #expect(instant.timestamp == Timestamp(seconds: seconds))
        #expect(instant.localDay == date.day)
        #expect(instant.offsetSeconds == 0)
      }
    }
    for text in ["true", "false", "True", "tru", "fals", "falsy", "truef", ""] {
      let flag = PaddedText.withBytes(of: text, padding: "e") { text in
        text.baseAddress.flatMap { FieldText.plainFlag(UnsafeRawPointer($0), count: text.count) }
      }
      #expect(flag == (text == "true" ? true : text == "false" ? false : nil))
    }
  }
}
