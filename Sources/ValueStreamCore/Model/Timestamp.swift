/// A moment, as nanoseconds since 1970-01-01T00:00:00Z.
///
/// Holds the years 1970 to 2199 and nothing else: every encoder can print it, and the difference of two fits 64 bits. Arithmetic
/// stops at the bounds. Always UTC; a vendor's offset is applied when the text is read.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Nanoseconds since the Unix epoch, from 0 to those of ``latest``.
  public let nanoseconds: Int64

  /// The Unix epoch, the earliest moment there is.
  public static let epoch = Timestamp(nanoseconds: 0)

  /// The last moment there is: 2200-01-01T00:00:00Z.
  public static let latest = Timestamp(nanoseconds: latestSeconds * 1_000_000_000)

  private static let latestSeconds: Int64 = 7_258_118_400
  private static let bounds = 0...latestSeconds * 1_000_000_000

  /// Takes the nearest bound for what is out of range. For times of this machine and of stores; what a sender says is read with
  /// ``init(exactly:)``.
  public init(nanoseconds: Int64) {
    self.nanoseconds = min(max(nanoseconds, Self.bounds.lowerBound), Self.bounds.upperBound)
  }

  /// Takes the nearest bound for what is out of range.
  public init(seconds: Int64) {
    nanoseconds = min(max(seconds, 0), Self.latestSeconds) * 1_000_000_000
  }

  /// Takes the nearest bound for what is out of range.
  public init(milliseconds: Int64) {
    nanoseconds = min(max(milliseconds, 0), Self.latestSeconds * 1000) * 1_000_000
  }

  /// The nearest moment; the epoch for no number.
  package init(nearest nanoseconds: Double) {
    self.init(nanoseconds: Self.whole(nanoseconds))
  }

  /// A moment that a sender states, in nanoseconds since the Unix epoch; nil out of range.
  public init?(exactly nanoseconds: Int64) {
    guard Self.bounds.contains(nanoseconds) else { return nil }
    self.nanoseconds = nanoseconds
  }

  /// The nearest whole number; zero for no number.
  private static func whole(_ number: Double) -> Int64 {
    if number.isNaN { return 0 }
    return number >= 0x1p63 ? .max : number <= -0x1p63 ? .min : Int64(number.rounded())
  }

  /// Seconds since the Unix epoch, fraction cut off.
  public var seconds: Int64 { nanoseconds / 1_000_000_000 }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The time from `start` to this moment in nanoseconds; negative when `start` is later.
  public func nanoseconds(since start: Timestamp) -> Int64 {
    // Neither is negative, so the difference fits.
    nanoseconds - start.nanoseconds
  }

  /// The time from `start` to this moment in seconds; negative when `start` is later.
  public func seconds(since start: Timestamp) -> Double {
    Double(nanoseconds(since: start)) / 1e9
  }

  /// This moment moved by a number of seconds, to a bound at most; by nothing when the number is none.
  public func advanced(bySeconds seconds: Double) -> Timestamp {
    advanced(byNanoseconds: Self.whole(seconds * 1e9))
  }

  /// This moment moved by a number of nanoseconds, to a bound at most.
  public func advanced(byNanoseconds amount: Int64) -> Timestamp {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(amount)
    return Timestamp(nanoseconds: overflow ? .max : sum)
  }

  /// A sender's durations longer than this, 100 years in seconds, are taken for mistakes.
  public static let longestStatedSeconds = 100 * 365.25 * 86_400

  /// This moment moved by a duration that a sender states, in seconds.
  ///
  /// - Returns: nil where the sender cannot have meant it: the number is none, it is longer than ``longestStatedSeconds`` in either
  ///   direction, or no moment is there.
  public func moved(byStated seconds: Double) -> Timestamp? {
    guard abs(seconds) <= Self.longestStatedSeconds else { return nil }
    let (sum, overflow) = nanoseconds.addingReportingOverflow(Self.whole(seconds * 1e9))
    return overflow ? nil : Timestamp(exactly: sum)
  }
}

/// A moment together with whose clock it was read from.
///
/// A time of receipt stands in where a vendor sends none, and never competes with a vendor's.
public struct EventTime: Sendable, Hashable, Comparable {
  public var timestamp: Timestamp
  /// True when the vendor sent the time, false when it is the time at which the delivery was received.
  public var isVendor: Bool

  public init(_ timestamp: Timestamp, isVendor: Bool) {
    self.timestamp = timestamp
    self.isVendor = isVendor
  }

  /// A time the vendor sent.
  public static func vendor(_ timestamp: Timestamp) -> EventTime {
    EventTime(timestamp, isVendor: true)
  }

  /// A time of receipt.
  public static func receipt(_ timestamp: Timestamp) -> EventTime {
    EventTime(timestamp, isVendor: false)
  }

  /// A vendor's time, else the time of receipt.
  public static func vendor(_ timestamp: Timestamp?, orReceipt received: Timestamp) -> EventTime {
    timestamp.map(EventTime.vendor) ?? .receipt(received)
  }

  /// Every vendor time is greater than every time of receipt.
  public static func < (left: EventTime, right: EventTime) -> Bool {
    if left.isVendor != right.isVendor { return right.isVendor }
    return left.timestamp < right.timestamp
  }
}
