/// The position of a delivery in a ``DeliveryLog``: its writer, and its number among the deliveries of that writer.
///
/// A log that one process writes has one writer, which is 0. Later deliveries of a writer have greater positions.
public struct LogPosition: Sendable, Hashable, Comparable {
  /// The writer in the upper 24 bits, of which the first is 0, and the number in the others.
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// - Precondition: both are at most their limits; higher bits are ignored.
  public init(writer: UInt64, number: UInt64) {
    rawValue = writer << UInt64(Self.numberBits) | number & Self.numberLimit
  }

  private static let numberBits = 40
  /// The greatest number of a delivery of one writer.
  public static let numberLimit: UInt64 = 1 << UInt64(numberBits) - 1
  /// The greatest writer.
  public static let writerLimit: UInt64 = 1 << UInt64(63 - numberBits) - 1

  public var writer: UInt64 { rawValue >> UInt64(Self.numberBits) }
  public var number: UInt64 { rawValue & Self.numberLimit }

  public static func < (left: LogPosition, right: LogPosition) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// A part of a ``DeliveryLog``: for each writer, all deliveries up to one position.
///
/// It tells how far a log goes, and how far it was read or projected. Writers that contribute nothing are absent.
public struct LogCoverage: Sendable, Hashable {
  /// The last covered position of each writer, in ascending order.
  public private(set) var ends: [LogPosition]

  /// Covers nothing.
  public init() {
    ends = []
  }

  /// Covers a delivery and all earlier ones of its writer.
  public init(_ end: LogPosition) {
    ends = [end]
  }

  /// Covers these deliveries and all earlier ones of their writers.
  public init(_ positions: some Sequence<LogPosition>) {
    ends = []
    for position in positions { insert(position) }
  }

  /// The last covered position of a writer. Nil if none of its deliveries are covered.
  public func end(of writer: UInt64) -> LogPosition? {
    ends.first { $0.writer == writer }
  }

  public func contains(_ position: LogPosition) -> Bool {
    ends.contains { $0.writer == position.writer && position <= $0 }
  }

  /// True if everything that the other coverage covers is covered.
  public func contains(_ other: LogCoverage) -> Bool {
    other.ends.allSatisfy(contains)
  }

  /// Covers a delivery, and all earlier ones of its writer, too.
  public mutating func insert(_ position: LogPosition) {
    let index = ends.firstIndex { $0.writer >= position.writer } ?? ends.endIndex
    guard index < ends.endIndex, ends[index].writer == position.writer else { return ends.insert(position, at: index) }
    ends[index] = max(ends[index], position)
  }

  /// Returns what one or both cover.
  public func union(_ other: LogCoverage) -> LogCoverage {
    var result = self
    for end in other.ends { result.insert(end) }
    return result
  }

  /// Returns what both cover.
  public func intersection(_ other: LogCoverage) -> LogCoverage {
    LogCoverage(ends.compactMap { end in other.end(of: end.writer).map { min($0, end) } })
  }

  /// The number of deliveries that are covered here, but not by the other coverage.
  public func count(beyond other: LogCoverage?) -> UInt64 {
    ends.reduce(0) { sum, end in
      let before = other?.end(of: end.writer)?.number ?? 0
      return sum &+ (end.number - min(end.number, before))
    }
  }
}

extension Sequence<LogPosition> {
  /// What these positions and all earlier ones of their writers cover. Nil without positions.
  package var coverage: LogCoverage? {
    let coverage = LogCoverage(self)
    return coverage.ends.isEmpty ? nil : coverage
  }
}

extension LogCoverage? {
  /// True if a delivery is covered. Nil covers nothing.
  package func covers(_ position: LogPosition) -> Bool { map { $0.contains(position) } ?? false }

  /// True if all of this is covered.
  package func covers(_ other: LogCoverage) -> Bool { map { $0.contains(other) } ?? other.ends.isEmpty }

  /// Returns what one or both cover. Nil if both are nil.
  package func union(_ other: LogCoverage?) -> LogCoverage? {
    guard let self, let other else { return self ?? other }
    return self.union(other)
  }
}
