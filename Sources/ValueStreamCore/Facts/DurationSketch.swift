/// A summary of durations from which quantiles are read with a relative error of at most 1 %.
///
/// This is a DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
/// guarantees", VLDB 2019) that never collapses buckets. So sketches add and subtract exactly: the sketch of a union is the
/// sum of the sketches, and subtracting a sketch undoes its addition.
///
/// The bounds of the buckets are part of the stored format.
public struct DurationSketch: Sendable, Hashable {
  /// The greatest relative error of a quantile. Durations up to ``leastSeconds`` count as 0.
  public static let relativeAccuracy = 0.01
  public static let leastSeconds = 0.001

  /// A bucket, from 0 for durations up to ``leastSeconds`` to ``lastBucket``.
  public typealias Bucket = UInt16

  /// The bucket of durations from about 100 years on.
  public static let lastBucket = Bucket(bounds.count - 1)

  /// A bucket with values. The count is negative if more values were subtracted than added.
  public struct Entry: Sendable, Hashable {
    public var bucket: Bucket
    public var count: Int64

    public init(bucket: Bucket, count: Int64) {
      self.bucket = bucket
      self.count = count
    }
  }

  /// The buckets whose count is not 0, in ascending order.
  public private(set) var entries: [Entry] = []

  public init() {}

  /// - Parameter entries: in ascending order of buckets, each of them once, without counts of 0.
  package init(sorted entries: [Entry]) {
    self.entries = entries
  }

  /// The number of values.
  public var count: Int64 { entries.reduce(0) { $0 &+ $1.count } }
  public var isEmpty: Bool { entries.isEmpty }

  // MARK: Buckets

  private static let growth = (1 + relativeAccuracy) / (1 - relativeAccuracy)

  /// The upper bound of each bucket, in seconds. A bucket holds the values above the bound of the one before it.
  private static let bounds: [Double] = {
    var bounds = [leastSeconds]
    while let last = bounds.last, last < Timestamp.longestStatedSeconds { bounds.append(last * growth) }
    return bounds
  }()

  /// The value that stands for all values of each bucket: its relative distance to both bounds is the same.
  private static let values = [0] + bounds.dropFirst().map { 2 * $0 / (growth + 1) }

  /// Returns the bucket of a duration. Negative ones and NaN count as 0.
  public static func bucket(of seconds: Double) -> Bucket {
    guard seconds > leastSeconds else { return 0 }
    var (low, high) = (1, bounds.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if seconds <= bounds[middle] { high = middle } else { low = middle + 1 }
    }
    return Bucket(low)
  }

  /// The duration in seconds that stands for the values of a bucket.
  public static func seconds(of bucket: Bucket) -> Double { values[min(Int(bucket), values.count - 1)] }

  // MARK: Adding and subtracting

  public mutating func add(_ seconds: Double, count: Int64 = 1) {
    add(bucket: Self.bucket(of: seconds), count: count)
  }

  /// - Parameter count: negative to subtract.
  public mutating func add(bucket: Bucket, count: Int64) {
    guard count != 0 else { return }
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].bucket < bucket { low = middle + 1 } else { high = middle }
    }
    if low < entries.count, entries[low].bucket == bucket {
      entries[low].count &+= count
      if entries[low].count == 0 { entries.remove(at: low) }
    } else {
      entries.insert(Entry(bucket: bucket, count: count), at: low)
    }
  }

  public mutating func merge(_ other: DurationSketch) { combine(other, sign: 1) }

  /// Undoes ``merge(_:)``.
  public mutating func subtract(_ other: DurationSketch) { combine(other, sign: -1) }

  private mutating func combine(_ other: DurationSketch, sign: Int64) {
    guard !other.entries.isEmpty else { return }
    if entries.isEmpty, sign == 1 {
      entries = other.entries
      return
    }
    var sum: [Entry] = []
    sum.reserveCapacity(entries.count + other.entries.count)
    var (left, right) = (0, 0)
    while left < entries.count || right < other.entries.count {
      let isLeft = right >= other.entries.count || left < entries.count && entries[left].bucket <= other.entries[right].bucket
      let isRight = left >= entries.count || right < other.entries.count && other.entries[right].bucket <= entries[left].bucket
      var entry = Entry(bucket: isLeft ? entries[left].bucket : other.entries[right].bucket, count: 0)
      if isLeft {
        entry.count = entries[left].count
        left += 1
      }
      if isRight {
        entry.count &+= sign &* other.entries[right].count
        right += 1
      }
      if entry.count != 0 { sum.append(entry) }
    }
    entries = sum
  }

  // MARK: Quantiles

  /// The value of nearest rank, ⌈p·n⌉, in seconds. Nil without values.
  ///
  /// - Parameter percent: from 0 to 100.
  public func nearestRank(_ percent: Int) -> Double? {
    let count = count
    return count > 0 ? value(atRank: Self.rank(percent, of: count)) : nil
  }

  /// The midpoint of the two middle values, in seconds. Nil without values.
  public var median: Double? {
    let count = count
    guard count > 0, let low = value(atRank: (count + 1) / 2), let high = value(atRank: count / 2 + 1) else { return nil }
    return low + (high - low) / 2
  }

  /// The median and some values of nearest rank, from one pass over the buckets.
  ///
  /// - Parameter percents: from 75 to 100, in ascending order.
  /// - Returns: nil without values.
  package func quantiles(_ percents: [Int]) -> (count: Int64, median: Double, values: [Double])? {
    let count = count
    guard count > 0, let last = entries.last else { return nil }
    var index = 0
    var reached: Int64 = 0
    func value(atRank rank: Int64) -> Double {
      while reached < rank, index < entries.count {
        reached &+= max(entries[index].count, 0)
        index += 1
      }
      return Self.seconds(of: reached >= rank && index > 0 ? entries[index - 1].bucket : last.bucket)
    }
    let (low, high) = (value(atRank: (count + 1) / 2), value(atRank: count / 2 + 1))
    return (count, low + (high - low) / 2, percents.map { value(atRank: Self.rank($0, of: count)) })
  }

  private static func rank(_ percent: Int, of count: Int64) -> Int64 {
    let (product, overflow) = Int64(percent).multipliedReportingOverflow(by: count)
    let rank = overflow ? count : product / 100 + (product % 100 > 0 ? 1 : 0)
    return min(max(rank, 1), count)
  }

  /// - Parameter rank: from 1 to ``count``.
  private func value(atRank rank: Int64) -> Double? {
    var reached: Int64 = 0
    for entry in entries where entry.count > 0 {
      reached &+= entry.count
      if reached >= rank { return Self.seconds(of: entry.bucket) }
    }
    return entries.last.map { Self.seconds(of: $0.bucket) }
  }
}
