import FoundationEssentials
package import ValueStreamCore

/// The offsets of a time zone from UTC over time, read from the system's time zone database.
package struct TimeZoneRules: Sendable, Hashable {
  /// Such as `Europe/Berlin`.
  package let name: String
  /// Seconds since 1970 at which the offset changes, ascending, and the offset from then on.
  private let changes: [Int64]
  private let offsets: [Int32]
  private let firstOffset: Int32
  /// What applies after the last change.
  private let rule: PosixTimeZone?

  package static let utc = TimeZoneRules(name: "UTC", changes: [], offsets: [], firstOffset: 0, rule: nil)

  private init(name: String, changes: [Int64], offsets: [Int32], firstOffset: Int32, rule: PosixTimeZone?) {
    self.name = name
    self.changes = changes
    self.offsets = offsets
    self.firstOffset = firstOffset
    self.rule = rule
  }

  /// Reads a time zone of the system.
  ///
  /// - Parameter directory: the time zone database.
  /// - Throws: ``ReportError`` if there is no such zone. `UTC` needs no database.
  package static func named(_ name: String, in directory: String = "/usr/share/zoneinfo") throws(ReportError) -> TimeZoneRules {
    if ["utc", "etc/utc", "z", "gmt"].contains(name.lowercased()) { return .utc }
    let isName =
      !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || "/_+-".utf8.contains(byte)
      }
    guard isName, !name.hasPrefix("/"), !name.contains("//"),
      let bytes = try? Data(contentsOf: URL(filePath: "\(directory)/\(name)")),
      let rules = TimeZoneRules(name: name, [UInt8](bytes))
    else {
      throw ReportError(
        .unknownTimeZone, "unknown time zone '\(name)': use a name of the time zone database, such as Europe/Berlin")
    }
    return rules
  }

  /// Reads the content of a TZif file.
  ///
  /// Source: RFC 9636. Leap seconds are ignored, as the database that systems install has none.
  ///
  /// - Returns: Nil if the file is damaged.
  package init?(name: String, _ bytes: [UInt8]) {
    var reader = TZifReader(bytes: bytes)
    guard let old = reader.header() else { return nil }
    var header = old
    var width = 4
    if old.version >= 2 {
      // The first block has 32-bit times. The second one repeats it with 64 bits.
      guard reader.skip(old.size(timeWidth: 4)), let new = reader.header() else { return nil }
      header = new
      width = 8
    }
    guard header.typeCount > 0, reader.remaining >= header.size(timeWidth: width) else { return nil }
    var changes: [Int64] = []
    var kinds: [Int] = []
    var types: [Int32] = []
    for _ in 0..<header.timeCount {
      guard let time = reader.integer(width) else { return nil }
      changes.append(time)
    }
    for _ in 0..<header.timeCount {
      guard let kind = reader.integer(1), kind >= 0, kind < header.typeCount else { return nil }
      kinds.append(Int(kind))
    }
    var first: Int32?
    for _ in 0..<header.typeCount {
      guard let offset = reader.integer(4), (-90_000...90_000).contains(offset), let isDaylight = reader.integer(1),
        reader.integer(1) != nil
      else { return nil }
      types.append(Int32(offset))
      if isDaylight == 0, first == nil { first = Int32(offset) }
    }
    guard zip(changes, changes.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    let names = header.characterCount + header.leapCount * (width + 4) + header.standardCount + header.utCount
    guard reader.skip(names) else { return nil }
    self.init(
      name: name, changes: changes, offsets: kinds.map { types[$0] }, firstOffset: types.first ?? first ?? 0,
      rule: width == 8 ? PosixTimeZone(reader.line()) : nil)
  }

  /// The offset from UTC in seconds at a time.
  package func offset(atSeconds seconds: Int64) -> Int64 {
    guard let last = changes.last else { return Int64(rule?.offset(atSeconds: seconds) ?? Int64(firstOffset)) }
    if seconds >= last { return rule?.offset(atSeconds: seconds) ?? Int64(offsets[offsets.count - 1]) }
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
    }
    return Int64(low == 0 ? firstOffset : offsets[low - 1])
  }

  /// The local date of a time, in days since 1970-01-01.
  package func localDay(of time: Timestamp) -> Int64 {
    let local = time.seconds + offset(atSeconds: time.seconds)
    return local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
  }

  /// The first moment of a local date.
  package func start(ofLocalDay day: Int64) -> Timestamp {
    let midnight = day * 86_400
    let before = offset(atSeconds: midnight - 86_400)
    let after = offset(atSeconds: midnight + 86_400)
    // Where clocks go back over midnight, the earlier one begins the day. Where they skip it, the day begins at the skip.
    for candidate in [max(before, after), min(before, after)] where offset(atSeconds: midnight - candidate) == candidate {
      return Timestamp(seconds: midnight - candidate)
    }
    return Timestamp(seconds: midnight - before)
  }

  /// The first local day of the bucket that contains a local day.
  package func firstDay(of width: BucketWidth, containing day: Int64) -> Int64 {
    switch width {
    case .day: return day
    case .week:
      // 1970-01-01 was a Thursday.
      let weekday = (day + 3) % 7
      return day - (weekday < 0 ? weekday + 7 : weekday)
    case .month:
      var date = CivilDate(daysSinceEpoch: day)
      date.day = 1
      return date.daysSinceEpoch
    }
  }

  /// The first local day after the bucket that begins with a local day.
  package func day(after first: Int64, _ width: BucketWidth) -> Int64 {
    switch width {
    case .day: first + 1
    case .week: first + 7
    case .month: firstDay(of: .month, containing: first + 31)
    }
  }
}

/// A rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// Source: RFC 9636, section 3.3.1, and POSIX.1, the variable `TZ`.
private struct PosixTimeZone: Sendable, Hashable {
  var standard: Int64
  var daylight: Int64?
  var start = Change(date: .yearDay(0), seconds: 0)
  var end = Change(date: .yearDay(0), seconds: 0)

  struct Change: Sendable, Hashable {
    var date: Date
    var seconds: Int64

    enum Date: Sendable, Hashable {
      /// From 1 to 365, without 29 February.
      case julian(Int)
      /// From 0 to 365.
      case yearDay(Int)
      case weekday(month: Int, week: Int, day: Int)
    }

    /// Local seconds since 1970.
    func time(in year: Int) -> Int64 {
      let first = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch
      switch date {
      case .julian(let day):
        let isLeap = CivilDate.days(inMonth: 2, of: year) == 29
        return (first + Int64(day - 1 + (isLeap && day >= 60 ? 1 : 0))) * 86_400 + seconds
      case .yearDay(let day): return (first + Int64(day)) * 86_400 + seconds
      case .weekday(let month, let week, let day):
        let start = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
        // Sunday is 0.
        let weekday = Int((start + 4) % 7 + 7) % 7
        var date = 1 + (day - weekday + 7) % 7 + (week - 1) * 7
        while date > CivilDate.days(inMonth: month, of: year) { date -= 7 }
        return (start + Int64(date - 1)) * 86_400 + seconds
      }
    }
  }

  init?(_ text: [UInt8]) {
    var parser = Parser(text: text)
    guard parser.name(), let offset = parser.time() else { return nil }
    standard = -offset
    if parser.isAtEnd { return }
    guard parser.name() else { return nil }
    daylight = standard + 3600
    if !parser.isNext(",") {
      guard let offset = parser.time() else { return nil }
      daylight = -offset
    }
    guard parser.take(","), let start = parser.change(), parser.take(","), let end = parser.change(), parser.isAtEnd else {
      return nil
    }
    self.start = start
    self.end = end
  }

  func offset(atSeconds seconds: Int64) -> Int64 {
    guard let daylight else { return standard }
    let local = seconds + standard
    let year = CivilDate(daysSinceEpoch: local >= 0 ? local / 86_400 : (local - 86_399) / 86_400).year
    let from = start.time(in: year) - standard
    let to = end.time(in: year) - daylight
    let isDaylight = from <= to ? from <= seconds && seconds < to : !(to <= seconds && seconds < from)
    return isDaylight ? daylight : standard
  }

  private struct Parser {
    let text: [UInt8]
    var index = 0

    var isAtEnd: Bool { index == text.count }

    func isNext(_ character: Unicode.Scalar) -> Bool { index < text.count && text[index] == UInt8(ascii: character) }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard isNext(character) else { return false }
      index += 1
      return true
    }

    /// Skips the abbreviation of a zone.
    mutating func name() -> Bool {
      let start = index
      if take("<") {
        while index < text.count, !isNext(">") { index += 1 }
        return take(">")
      }
      while index < text.count, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[index] | 0x20) { index += 1 }
      return index - start >= 3
    }

    mutating func number() -> Int? {
      var value: Int?
      while index < text.count, (48...57).contains(text[index]), (value ?? 0) < 100_000 {
        value = (value ?? 0) * 10 + Int(text[index] - 48)
        index += 1
      }
      return value
    }

    /// Reads hours with optional minutes and seconds, as seconds.
    mutating func time() -> Int64? {
      let sign: Int64 = take("-") ? -1 : 1
      if sign == 1 { _ = take("+") }
      guard let hours = number(), hours <= 167 else { return nil }
      var seconds = hours * 3600
      if take(":") {
        guard let minutes = number(), minutes < 60 else { return nil }
        seconds += minutes * 60
        if take(":") {
          guard let rest = number(), rest < 60 else { return nil }
          seconds += rest
        }
      }
      return sign * Int64(seconds)
    }

    mutating func change() -> Change? {
      let date: Change.Date
      if take("J") {
        guard let day = number(), (1...365).contains(day) else { return nil }
        date = .julian(day)
      } else if take("M") {
        guard let month = number(), (1...12).contains(month), take("."), let week = number(), (1...5).contains(week), take("."),
          let day = number(), (0...6).contains(day)
        else { return nil }
        date = .weekday(month: month, week: week, day: day)
      } else {
        guard let day = number(), (0...365).contains(day) else { return nil }
        date = .yearDay(day)
      }
      guard take("/") else { return Change(date: date, seconds: 7200) }
      return time().map { Change(date: date, seconds: $0) }
    }
  }
}

private struct TZifReader {
  let bytes: [UInt8]
  var index = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  struct Header {
    var version: Int
    var utCount: Int
    var standardCount: Int
    var leapCount: Int
    var timeCount: Int
    var typeCount: Int
    var characterCount: Int

    func size(timeWidth: Int) -> Int {
      timeCount * (timeWidth + 1) + typeCount * 6 + characterCount + leapCount * (timeWidth + 4) + standardCount + utCount
    }
  }

  var remaining: Int { bytes.count - index }

  /// A big-endian integer. One of a single byte is unsigned, others are signed.
  mutating func integer(_ width: Int) -> Int64? {
    guard remaining >= width else { return nil }
    var value: UInt64 = 0
    for _ in 0..<width {
      value = value << 8 | UInt64(bytes[index])
      index += 1
    }
    return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, remaining >= count else { return false }
    index += count
    return true
  }

  mutating func header() -> Header? {
    guard remaining >= 44, bytes[index..<index + 4].elementsEqual("TZif".utf8) else { return nil }
    let version = bytes[index + 4] == 0 ? 1 : Int(bytes[index + 4]) - 48
    index += 20
    var counts: [Int] = []
    for _ in 0..<6 {
      // A sane file has far fewer of anything than this.
      guard let count = integer(4), (0...100_000).contains(count) else { return nil }
      counts.append(Int(count))
    }
    return Header(
      version: version, utCount: counts[0], standardCount: counts[1], leapCount: counts[2], timeCount: counts[3],
      typeCount: counts[4], characterCount: counts[5])
  }

  /// The line between two line feeds that ends the file.
  mutating func line() -> [UInt8] {
    guard remaining > 0, bytes[index] == 10 else { return [] }
    return Array(bytes[(index + 1)...].prefix { $0 != 10 })
  }
}
