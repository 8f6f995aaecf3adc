import ValueStreamCore

/// Parses the fields of a row in the forms that the original program of 2019 and other exporters write.
enum FieldText {
  /// The value of a field, or its absence.
  enum Value<Content> {
    case absent
    case present(Content)
  }

  /// The content of a field that should hold a number.
  enum Number {
    /// The field is empty.
    case empty
    /// `NaN` or an infinity: the result of a division by zero or of an overflow.
    case undefined
    case finite(Double)
  }

  /// Parses a number, which may have spaces around it.
  ///
  /// - Returns: Nil if the text is not a number.
  static func number(_ text: UnsafeBufferPointer<UInt8>) -> Number? {
    if let number = Decimal.parse(text) { return number.isFinite ? .finite(number) : .undefined }
    let bare = trimmed(text)
    if bare.isEmpty { return .empty }
    if let number = Decimal.parse(bare) { return number.isFinite ? .finite(number) : .undefined }
    let word = lowercased(bare.first == UInt8(ascii: "+") || bare.first == UInt8(ascii: "-") ? bare[1...] : bare[...])
    return ["nan", "inf", "infinity"].contains(word) ? .undefined : nil
  }

  /// Parses a truth value. An empty text is false.
  ///
  /// - Returns: Nil if the text is neither true nor false.
  static func flag(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
    if isEqual(text, "true") { return true }
    if isEqual(text, "false") { return false }
    return switch lowercased(trimmed(text)[...]) {
    case "true", "t", "1", "yes", "y": true
    case "false", "f", "0", "no", "n", "": false
    default: nil
    }
  }

  /// A time, and the date as written.
  struct Instant {
    var timestamp: Timestamp
    /// The date as written, in its own time zone, as days since 1970-01-01.
    var localDay: Int
    /// The offset of the time zone from UTC, in seconds; positive east of Greenwich.
    var offsetSeconds: Int64
  }

  /// Parses a time in RFC 3339. An empty text and the first second of year 1, Go's zero time, are absent.
  ///
  /// - Returns: Nil if the text is not such a time.
  static func instant(_ text: UnsafeBufferPointer<UInt8>) -> Value<Instant>? {
    if let day = wholeSecondDay(text) {
      let clock = secondOfDay(text)
      return .present(Instant(timestamp: Timestamp(seconds: Int64(day) * 86_400 + Int64(clock)), localDay: day, offsetSeconds: 0))
    }
    let bare = String(decoding: trimmed(text), as: UTF8.self)
    if bare.isEmpty || bare.hasPrefix("0001-01-01T00:00:00") { return .absent }
    guard let timestamp = Timestamp(rfc3339: bare) else { return nil }
    // A valid time starts with the 19 characters of date and clock time.
    let written = Array(bare.utf8.prefix(19))
    return written.withUnsafeBufferPointer { written in
      guard let day = day(written) else { return nil }
      let offset = Int64(day) * 86_400 + Int64(secondOfDay(written)) - timestamp.seconds
      return .present(Instant(timestamp: timestamp, localDay: day, offsetSeconds: offset))
    }
  }

  private static func isEqual(_ text: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
    guard text.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<text.count where text[index] != word.utf8Start[index] { return false }
    return true
  }

  // MARK: Times

  private static let firstYear = 1700

  /// Returns the day of a time in the form `2020-01-02T15:04:05Z`; nil for any other form.
  private static func wholeSecondDay(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard text.count == 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T"),
      text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"), text[19] == UInt8(ascii: "Z"),
      twoDigits(text, 11) < 24, twoDigits(text, 14) < 60, twoDigits(text, 17) < 60
    else { return nil }
    return day(text)
  }

  private static func secondOfDay(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    twoDigits(text, 11) * 3600 + twoDigits(text, 14) * 60 + twoDigits(text, 17)
  }

  /// Returns the date at the beginning of a text as days since 1970-01-01; nil if it is invalid or outside the
  /// supported years.
  private static func day(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    let (year, month, day) = (twoDigits(text, 0) * 100 + twoDigits(text, 2), twoDigits(text, 5), twoDigits(text, 8))
    guard year >= firstYear, year < 2262, (1...12).contains(month), day >= 1,
      day <= 28 || day <= CivilDate.days(inMonth: month, of: year)
    else { return nil }
    return Int(CivilDate(year: year, month: month, day: day).daysSinceEpoch)
  }

  /// Returns a two-digit number, or 10,000, which is out of any range, if either character is not a digit.
  private static func twoDigits(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
    let (tens, ones) = (text[index] &- 48, text[index + 1] &- 48)
    return tens < 10 && ones < 10 ? Int(tens) * 10 + Int(ones) : 10_000
  }

  // MARK: Text

  private static func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var rest = text[...]
    while let first = rest.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") { rest = rest.dropFirst() }
    while let last = rest.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { rest = rest.dropLast() }
    return UnsafeBufferPointer(rebasing: rest)
  }

  private static func lowercased(_ text: UnsafeBufferPointer<UInt8>.SubSequence) -> String {
    String(decoding: text.prefix(9), as: UTF8.self).lowercased()
  }
}
