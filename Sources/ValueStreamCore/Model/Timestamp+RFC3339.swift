extension Timestamp: CustomStringConvertible {
  /// The time in RFC 3339; see ``rfc3339``.
  public var description: String {
    rfc3339
  }

  /// The time in RFC 3339 and UTC: `2020-01-02T15:04:05Z`, `2020-01-02T15:04:05.25Z`.
  ///
  /// The fraction has up to nine digits without trailing zeros, and is absent for whole seconds.
  public var rfc3339: String {
    let seconds = self.seconds
    let days = seconds / 86_400
    let secondOfDay = Int(seconds - days * 86_400)
    let date = CivilDate(daysSinceEpoch: days)
    var fraction = nanoseconds - seconds * 1_000_000_000

    return String(unsafeUninitializedCapacity: 40) { buffer in
      var count = 0
      func put(_ byte: UInt8) {
        buffer[count] = byte
        count += 1
      }
      func put(_ value: Int, digits: Int) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
          put(UInt8(48 + value / divisor % 10))
          divisor /= 10
        }
      }
      put(date.year, digits: 4)
      put(UInt8(ascii: "-"))
      put(date.month, digits: 2)
      put(UInt8(ascii: "-"))
      put(date.day, digits: 2)
      put(UInt8(ascii: "T"))
      put(secondOfDay / 3600, digits: 2)
      put(UInt8(ascii: ":"))
      put(secondOfDay / 60 % 60, digits: 2)
      put(UInt8(ascii: ":"))
      put(secondOfDay % 60, digits: 2)
      if fraction > 0 {
        put(UInt8(ascii: "."))
        var divisor: Int64 = 100_000_000
        while fraction > 0 {
          put(UInt8(48 + fraction / divisor))
          fraction %= divisor
          divisor /= 10
        }
      }
      put(UInt8(ascii: "Z"))
      return count
    }
  }

  /// Parses RFC 3339 and the looser ISO 8601 forms that vendors send.
  ///
  /// Accepts `2013-12-03T17:15:43Z`, a fraction of any length (digits after the ninth are cut off), a space instead of `T`,
  /// an offset as `+02:00`, `-0500` or `+02`, a space before the offset, and ` UTC`. Seconds may be 60: a leap second
  /// counts as the next second. An offset is required, because a guess could be wrong by hours.
  ///
  /// - Returns: Nil if the text is not a date with an offset, or if the date is outside the years 1970 to 2199.
  public init?(rfc3339 text: some StringProtocol) {
    let parsed =
      text.utf8.withContiguousStorageIfAvailable { Self.parse($0) }
      ?? Array(text.utf8).withUnsafeBufferPointer { Self.parse($0) }
    guard let parsed else { return nil }
    self = parsed
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Timestamp? {
    var reader = DigitReader(bytes: bytes)
    guard let year = reader.digits(4), reader.take("-"),
      let month = reader.digits(2), reader.take("-"),
      let day = reader.digits(2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.digits(2), reader.take(":"),
      let minute = reader.digits(2), reader.take(":"),
      let second = reader.digits(2)
    else { return nil }
    let fraction = reader.take(".") || reader.take(",") ? reader.fraction() : 0
    guard let fraction, let offset = reader.offsetSeconds(), reader.isAtEnd,
      (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: month, of: year),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
    let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offset)
    guard (epoch.seconds...latest.seconds).contains(seconds) else { return nil }
    return Timestamp(exactly: seconds * 1_000_000_000 + fraction)
  }
}

/// A date in the proleptic Gregorian calendar.
///
/// Uses the common algorithm over 400-year eras with years that start in March, so that a leap day is the last day of its
/// year.
package struct CivilDate: Sendable, Hashable {
  package var year: Int
  package var month: Int
  package var day: Int

  package init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  package init(daysSinceEpoch: Int64) {
    let shifted = daysSinceEpoch + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = Int(shifted - era * 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
  }

  package var daysSinceEpoch: Int64 {
    let marchYear = Int64(month <= 2 ? year - 1 : year)
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let marchMonth = Int64(month > 2 ? month - 3 : month + 9)
    let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  package static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

private struct DigitReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var index = 0

  init(bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { index == bytes.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  mutating func digits(_ count: Int) -> Int? {
    guard index + count <= bytes.count else { return nil }
    var value = 0
    for position in index..<index + count {
      let digit = bytes[position] &- 48
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    index += count
    return value
  }

  /// Reads the digits of a fraction as nanoseconds; nil if there are none.
  mutating func fraction() -> Int64? {
    var value: Int64 = 0
    var scale: Int64 = 100_000_000
    let start = index
    while index < bytes.count, bytes[index] &- 48 < 10 {
      value += Int64(bytes[index] &- 48) * scale
      scale /= 10
      index += 1
    }
    return index > start ? value : nil
  }

  mutating func offsetSeconds() -> Int? {
    while take(" ") {}
    if take("Z") || take("z") { return 0 }
    if take("U") { return take("T") && take("C") ? 0 : nil }
    let sign = take("+") ? 1 : take("-") ? -1 : 0
    guard sign != 0, let hours = digits(2) else { return nil }
    _ = take(":")
    let minutes = isAtEnd ? 0 : digits(2)
    guard let minutes, hours < 24, minutes < 60 else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }
}
