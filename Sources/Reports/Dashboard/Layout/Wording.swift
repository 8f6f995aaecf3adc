import Charts
import ValueStreamCore

/// Numbers, times and durations as pages write them. All times are UTC.
enum Wording {
  // MARK: Durations

  /// Returns a duration with its two greatest units, such as `7 d 5 h`, `2 h 45 min`, `5.2 min` or `52 s`.
  static func duration(nanoseconds: Int64) -> String {
    DurationText.text(milliseconds: nanoseconds / 1_000_000)
  }

  /// Returns a duration in words that may be longer than all of the time that a ``Timestamp`` can tell, such as a sum.
  static func duration(seconds: Double) -> String { DurationText.text(seconds: seconds) }

  static func duration(from start: Timestamp, to end: Timestamp) -> String {
    duration(nanoseconds: end.nanoseconds(since: start))
  }

  // MARK: Times

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

  private static func date(_ time: Timestamp) -> CivilDate { CivilDate(daysSinceEpoch: time.seconds / 86_400) }
  private static func month(_ date: CivilDate) -> String { months[min(max(date.month, 1), 12) - 1] }
  private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Returns a day, such as `17 Nov`, with the year if it is not that of `now`.
  static func day(_ time: Timestamp, now: Timestamp) -> String {
    let date = date(time)
    return "\(date.day) \(month(date))" + (date.year == Self.date(now).year ? "" : " \(date.year)")
  }

  /// Returns a day with its weekday, such as `Mon 17 Nov`.
  static func weekday(_ time: Timestamp) -> String {
    let days = time.seconds / 86_400
    let date = CivilDate(daysSinceEpoch: days)
    return "\(weekdays[Int((days + 4) % 7)]) \(date.day) \(month(date))"
  }

  /// Returns the time of day, such as `09:41`.
  static func clock(_ time: Timestamp) -> String {
    let second = time.seconds % 86_400
    return "\(padded(second / 3600)):\(padded(second / 60 % 60))"
  }

  /// Returns a time to the minute, such as `17 Nov 09:41`.
  static func time(_ time: Timestamp, now: Timestamp) -> String {
    "\(day(time, now: now)) \(clock(time))"
  }

  /// Returns the month and year, such as `Nov 2026`.
  static func monthAndYear(_ time: Timestamp) -> String {
    let date = date(time)
    return "\(month(date)) \(date.year)"
  }

  // MARK: Counts

  /// Returns a number with its digits in groups of three, such as `12,000`.
  static func grouped(_ number: Int64) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.utf8.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return number < 0 ? "−" + text : text
  }

  /// Returns a count with its noun: `1 span`, `2 spans`.
  static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(grouped(Int64(number))) \(number == 1 ? one : many ?? one + "s")"
  }

  /// Returns a size, such as `4.2 MiB`.
  static func bytes(_ count: Int64) -> String {
    var (size, index) = (Double(count), 0)
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while size >= 1024, index < units.count - 1 { (size, index) = (size / 1024, index + 1) }
    if index == 0 || size >= 100 { return "\(Int64(saturating: size)) \(units[index])" }
    let tenths = Int64(saturating: size * 10)
    return "\(tenths / 10).\(tenths % 10) \(units[index])"
  }

  /// Returns a share in per cent without decimals; `<1 %` for a small one.
  static func share(_ part: Int64, of whole: Int64) -> String {
    guard whole > 0 else { return "" }
    let percent = Double(part) / Double(whole) * 100
    return percent > 0 && percent < 1 ? "<1 %" : "\(Int(saturating: percent)) %"
  }
}
