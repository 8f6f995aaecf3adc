import ValueStreamCore

/// Parses the fields of a row in the forms that the original program of 2019 and other exporters write.
///
/// Each text must be followed by 16 bytes that can be read, whatever they are.
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
    switch lowercased(trimmed(text)[...]) {
    case "true", "t", "1", "yes", "y": true
    case "false", "f", "0", "no", "n", "": false
    default: nil
    }
  }

  /// Parses `true` and `false`. Returns nil for anything else.
  @inline(__always)
  static func plainFlag(_ bytes: UnsafeRawPointer, count: Int) -> Bool? {
    let word = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
    if count == 4, word == 0x6575_7274 { return true }  // "true"
    let isFalse =
      count == 5 && word == 0x736c_6166
      && bytes.load(fromByteOffset: 4, as: UInt8.self) == UInt8(ascii: "e")
    return isFalse ? false : nil  // "fals", and "e"
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
    let bare = String(decoding: trimmed(text), as: UTF8.self)
    if bare.isEmpty || bare.hasPrefix("0001-01-01T00:00:00") { return .absent }
    guard let timestamp = Timestamp(rfc3339: bare) else { return nil }
    // A valid time starts with the 19 characters of date and clock time.
    let written = Array(bare.utf8.prefix(19))
    return written.withUnsafeBytes { written in
      guard let bytes = written.baseAddress, written.count == 19, let day = day(bytes) else {
        return nil
      }
      let second = twoDigits(bytes, 11) * 3600 + twoDigits(bytes, 14) * 60 + twoDigits(bytes, 17)
      let offset = Int64(day) * 86_400 + Int64(second) - timestamp.seconds
      return .present(Instant(timestamp: timestamp, localDay: day, offsetSeconds: offset))
    }
  }

  /// Parses a time in the form `2020-01-02T15:04:05Z` as seconds since 1970. Returns nil for any other form.
  ///
  /// - Parameter date: The date of the time before; gets that of this time. Consecutive rows often share it, so it is parsed only
  ///   if it differs.
  @inline(__always)
  static func plainSeconds(_ bytes: UnsafeRawPointer, count: Int, after date: inout WrittenDate)
    -> Int64?
  {
    guard count == 20, let second = secondOfDay(bytes), date.parse(bytes) else { return nil }
    return Int64(date.day) &* 86_400 &+ Int64(second)
  }

  /// A date in the form `2020-01-02`.
  struct WrittenDate {
    /// Days since 1970-01-01.
    private(set) var day = 0
    /// The ten bytes of the date, at first `1970-01-01`.
    private var start: UInt64 = 0x2d31_302d_3037_3931
    private var end: UInt16 = 0x3130

    /// Parses the date at the beginning of a text of 20 bytes.
    ///
    /// - Returns: False if it is invalid or outside the supported years; the date is then unchanged.
    @inline(__always)
    fileprivate mutating func parse(_ bytes: UnsafeRawPointer) -> Bool {
      let start = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
      let end = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
      if start == self.start, end == self.end { return true }
      guard byte(bytes, 4) == UInt8(ascii: "-"), byte(bytes, 7) == UInt8(ascii: "-"),
        let day = FieldText.day(bytes)
      else {
        return false
      }
      (self.start, self.end, self.day) = (start, end, day)
      return true
    }
  }

  // MARK: Times

  private static let firstYear = 1700

  /// Returns the second of the day of a time in the form `2020-01-02T15:04:05Z`, whose date it does not check; nil for any other
  /// form.
  @inline(__always)
  private static func secondOfDay(_ bytes: UnsafeRawPointer) -> Int? {
    guard byte(bytes, 10) == UInt8(ascii: "T"), byte(bytes, 19) == UInt8(ascii: "Z") else {
      return nil
    }
    let clock = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 11, as: UInt64.self))
    // The eight bytes of "15:04:05" as numbers from 0, colons included.
    let digits = clock ^ 0x3030_3a30_303a_3030
    // Each addend sets the high bit of a byte above its greatest value: 29:59:59.
    guard ((digits &+ 0x767a_7f76_7a7f_767d) | digits) & 0x8080_8080_8080_8080 == 0 else { return nil }
    // Each byte becomes ten times itself plus the next one, so that the first byte of each pair of digits holds its number.
    let pairs = digits &* 10 &+ digits &>> 8
    let hour = Int(pairs & 0xff)
    return hour < 24 ? hour &* 3600 &+ Int(pairs &>> 24 & 0xff) &* 60 &+ Int(pairs &>> 48 & 0xff) : nil
  }

  /// Returns the date at the beginning of ten bytes as days since 1970-01-01; nil if it is invalid or outside the supported years.
  private static func day(_ bytes: UnsafeRawPointer) -> Int? {
    let year = twoDigits(bytes, 0) * 100 + twoDigits(bytes, 2)
    let (month, day) = (twoDigits(bytes, 5), twoDigits(bytes, 8))
    guard year >= firstYear, year < 2262, (1...12).contains(month), day >= 1,
      day <= 28 || day <= CivilDate.days(inMonth: month, of: year)
    else { return nil }
    return Int(CivilDate(year: year, month: month, day: day).daysSinceEpoch)
  }

  /// Returns a two-digit number, or 10,000, which is out of any range, if either character is not a digit.
  private static func twoDigits(_ bytes: UnsafeRawPointer, _ index: Int) -> Int {
    let (tens, ones) = (byte(bytes, index) &- 48, byte(bytes, index + 1) &- 48)
    return tens < 10 && ones < 10 ? Int(tens) * 10 + Int(ones) : 10_000
  }

  private static func byte(_ bytes: UnsafeRawPointer, _ index: Int) -> UInt8 {
    bytes.load(fromByteOffset: index, as: UInt8.self)
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
