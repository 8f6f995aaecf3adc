/// A moment, as nanoseconds since 1970-01-01T00:00:00Z.
///
/// Covers the years 1678 to 2261. Always UTC; a vendor's offset is applied when the text is read.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Nanoseconds since the Unix epoch; negative before it.
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Saturates at the bounds of the representable range.
  public init(seconds: Int64) {
    self.init(scaling: seconds, by: 1_000_000_000)
  }

  /// Saturates at the bounds of the representable range.
  public init(milliseconds: Int64) {
    self.init(scaling: milliseconds, by: 1_000_000)
  }

  /// The nearest moment, saturating; the epoch for no number.
  package init(nearest nanoseconds: Double) {
    if nanoseconds.isNaN {
      self.nanoseconds = 0
    } else {
      self.nanoseconds = nanoseconds >= 0x1p63 ? .max : nanoseconds <= -0x1p63 ? .min : Int64(nanoseconds.rounded())
    }
  }

  private init(scaling value: Int64, by factor: Int64) {
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    nanoseconds = overflow ? (value < 0 ? .min : .max) : product
  }

  /// The Unix epoch.
  public static let epoch = Timestamp(nanoseconds: 0)

  /// Seconds since the Unix epoch, fraction cut off.
  public var seconds: Int64 {
    let whole = nanoseconds / 1_000_000_000
    return nanoseconds % 1_000_000_000 < 0 ? whole - 1 : whole
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The time from `start` to this moment in seconds, saturating; negative when `start` is later.
  public func seconds(since start: Timestamp) -> Double {
    let (difference, overflow) = nanoseconds.subtractingReportingOverflow(start.nanoseconds)
    return Double(overflow ? (nanoseconds < 0 ? .min : .max) : difference) / 1e9
  }

  /// This moment moved by a number of seconds, saturating; by nothing when the number is none.
  public func advanced(bySeconds seconds: Double) -> Timestamp {
    let amount = seconds * 1e9
    if amount.isNaN { return self }
    return advanced(byNanoseconds: Timestamp(nearest: amount).nanoseconds)
  }

  /// This moment moved by a number of nanoseconds, saturating.
  public func advanced(byNanoseconds amount: Int64) -> Timestamp {
    let (sum, overflow) = nanoseconds.addingReportingOverflow(amount)
    return Timestamp(nanoseconds: overflow ? (amount < 0 ? .min : .max) : sum)
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
