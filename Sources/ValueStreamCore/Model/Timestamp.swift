/// A point in time, as nanoseconds since 1970-01-01T00:00:00Z.
///
/// Always in UTC: the parser applies the offset that a vendor sends. The range is the years 1970 to 2199, so every encoder
/// can print every value and the difference of two fits into 64 bits. Arithmetic saturates at the bounds.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Nanoseconds since the Unix epoch, from 0 to those of ``latest``.
  public let nanoseconds: Int64

  /// The Unix epoch, the earliest value.
  public static let epoch = Timestamp(nanoseconds: 0)

  /// The latest value: 2200-01-01T00:00:00Z.
  public static let latest = Timestamp(nanoseconds: latestSeconds * 1_000_000_000)

  private static let latestSeconds: Int64 = 7_258_118_400
  private static let bounds = 0...latestSeconds * 1_000_000_000

  /// Clamps the value to the valid range.
  ///
  /// Use it for times from this machine and from stores. For times from senders, use ``init(exactly:)``.
  public init(nanoseconds: Int64) {
    self.nanoseconds = min(max(nanoseconds, Self.bounds.lowerBound), Self.bounds.upperBound)
  }

  /// Clamps the value to the valid range.
  public init(seconds: Int64) {
    nanoseconds = min(max(seconds, 0), Self.latestSeconds) * 1_000_000_000
  }

  /// Clamps the value to the valid range.
  public init(milliseconds: Int64) {
    nanoseconds = min(max(milliseconds, 0), Self.latestSeconds * 1000) * 1_000_000
  }

  /// Rounds to whole nanoseconds and clamps to the valid range. NaN becomes the epoch.
  package init(nearest nanoseconds: Double) {
    self.init(nanoseconds: Int64(saturating: nanoseconds))
  }

  /// A time from a sender, in nanoseconds since the Unix epoch; nil if it is out of range.
  public init?(exactly nanoseconds: Int64) {
    guard Self.bounds.contains(nanoseconds) else { return nil }
    self.nanoseconds = nanoseconds
  }

  /// Whole seconds since the Unix epoch, rounded down.
  public var seconds: Int64 { nanoseconds / 1_000_000_000 }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// Nanoseconds from `start` to this time; negative if `start` is later.
  public func nanoseconds(since start: Timestamp) -> Int64 {
    // Neither operand is negative, so this cannot overflow.
    nanoseconds - start.nanoseconds
  }

  /// Seconds from `start` to this time; negative if `start` is later.
  public func seconds(since start: Timestamp) -> Double {
    Double(nanoseconds(since: start)) / 1e9
  }

  /// Returns this time plus a number of seconds, clamped to the valid range. NaN adds nothing.
  public func advanced(bySeconds seconds: Double) -> Timestamp {
    advanced(byNanoseconds: Int64(saturating: seconds * 1e9))
  }

  /// Returns this time plus a number of nanoseconds, clamped to the valid range.
  public func advanced(byNanoseconds amount: Int64) -> Timestamp {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(amount)
    return Timestamp(nanoseconds: overflow ? .max : sum)
  }

  /// The longest duration accepted from a sender: 100 years, in seconds. Longer ones count as errors.
  public static let longestStatedSeconds = 100 * 365.25 * 86_400

  /// Returns this time plus a duration from a sender, in seconds.
  ///
  /// - Returns: Nil if the duration is NaN or longer than ``longestStatedSeconds`` in either direction, or if the result is
  ///   out of range.
  public func moved(byStated seconds: Double) -> Timestamp? {
    guard abs(seconds) <= Self.longestStatedSeconds else { return nil }
    let (sum, overflow) = nanoseconds.addingReportingOverflow(Int64(saturating: seconds * 1e9))
    return overflow ? nil : Timestamp(exactly: sum)
  }
}

/// A time together with the clock that it comes from.
///
/// If the vendor sends no time, the time of receipt takes its place. It always ranks below a vendor's time.
public struct EventTime: Sendable, Hashable, Comparable {
  public var timestamp: Timestamp
  /// True for a time from the vendor, false for the time at which vsd received the delivery.
  public var isVendor: Bool

  public init(_ timestamp: Timestamp, isVendor: Bool) {
    self.timestamp = timestamp
    self.isVendor = isVendor
  }

  /// A time from the vendor.
  public static func vendor(_ timestamp: Timestamp) -> EventTime {
    EventTime(timestamp, isVendor: true)
  }

  /// The time at which vsd received the delivery.
  public static func receipt(_ timestamp: Timestamp) -> EventTime {
    EventTime(timestamp, isVendor: false)
  }

  /// The vendor's time, or the time of receipt if there is none.
  public static func vendor(_ timestamp: Timestamp?, orReceipt received: Timestamp) -> EventTime {
    timestamp.map(EventTime.vendor) ?? .receipt(received)
  }

  /// Orders times of receipt before all times from vendors, then by time.
  public static func < (left: EventTime, right: EventTime) -> Bool {
    if left.isVendor != right.isVendor { return right.isVendor }
    return left.timestamp < right.timestamp
  }
}
