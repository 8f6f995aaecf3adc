/// Percentiles and medians as reports define them.
package enum Statistics {
  /// The midpoint of the two middle values. Nil without values.
  package static func median(of values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let found = values.elements(ofRanks: middle(values.count))
    return midpoint(found[0], found[1])
  }

  /// The ranks of the two middle values, from 0. Of an odd number of values, both are the middle one.
  fileprivate static func middle(_ count: Int) -> [Int] { [(count - 1) / 2, count / 2] }

  fileprivate static func midpoint(_ lower: Double, _ upper: Double) -> Double { lower + (upper - lower) / 2 }

  /// The value of nearest rank, ⌈p·n⌉. Nil without values.
  ///
  /// - Parameter percent: from 0 to 100. 0 gives the least value.
  package static func nearestRank(_ percent: Int, of values: [Double]) -> Double? {
    nearestRanks([percent], of: values)?[0]
  }

  /// The values of several nearest ranks, which takes little longer than one of them. Nil without values.
  package static func nearestRanks(_ percents: [Int], of values: [Double]) -> [Double]? {
    values.isEmpty ? nil : values.elements(ofRanks: percents.map { rank($0, values.count) - 1 })
  }

  /// ⌈percent·count/100⌉, from 1 to `count`, in whole numbers.
  package static func rank(_ percent: Int, _ count: Int) -> Int {
    let (product, overflow) = percent.multipliedReportingOverflow(by: count)
    guard !overflow else { return count }
    return min(max((product + 99) / 100, 1), count)
  }

  package static func mean(of values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}

extension [Double] {
  /// Below this count, sorting is as quick as counting.
  private static let sortedCount = 256
  private static let binCount = 4096

  /// Returns the elements that would stand at these ranks if the array were sorted.
  ///
  /// Counts the elements in bins, then looks only into the bins that hold one of the ranks. So it passes over the array a fixed
  /// number of times, however many ranks there are.
  ///
  /// - Parameter ranks: from 0, less than the count. At least one.
  fileprivate func elements(ofRanks ranks: [Int]) -> [Double] {
    guard count > Self.sortedCount else {
      let ordered = sorted()
      return ranks.map { ordered[$0] }
    }
    let bits = [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count { buffer[index] = self[index].orderedBits }
      initialized = count
    }
    return bits.withUnsafeBufferPointer { $0.elements(ofRanks: ranks, binCount: Self.binCount) }.map(Double.init(orderedBits:))
  }
}

extension Double {
  /// Numbers in the same order as the values.
  fileprivate var orderedBits: UInt64 {
    let bits = (self + 0).bitPattern
    return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
  }

  fileprivate init(orderedBits bits: UInt64) {
    self.init(bitPattern: bits >> 63 == 1 ? bits & ~(1 << 63) : ~bits)
  }
}

extension UnsafeBufferPointer<UInt64> {
  fileprivate func elements(ofRanks ranks: [Int], binCount: Int) -> [UInt64] {
    var (least, greatest) = (self[0], self[0])
    for value in self {
      least = Swift.min(least, value)
      greatest = Swift.max(greatest, value)
    }
    if least == greatest { return ranks.map { _ in least } }
    // Bins of equal width, a power of two.
    let width = Swift.max(0, 64 - (greatest - least).leadingZeroBitCount - binCount.trailingZeroBitCount)
    var counts = [Int](repeating: 0, count: binCount)
    for value in self { counts[Int(truncatingIfNeeded: (value &- least) >> UInt64(width))] += 1 }
    /// The place of a bin among those that hold a rank. -1 for the others.
    var places = [Int](repeating: -1, count: binCount)
    var wanted: [(bin: Int, rank: Int)] = []
    var held: [[UInt64]] = []
    for rank in ranks {
      var (bin, passed) = (0, 0)
      while passed + counts[bin] <= rank {
        passed += counts[bin]
        bin += 1
      }
      wanted.append((bin, rank - passed))
      if places[bin] < 0 {
        places[bin] = held.count
        held.append([])
        held[places[bin]].reserveCapacity(counts[bin])
      }
    }
    for value in self {
      let place = places[Int(truncatingIfNeeded: (value &- least) >> UInt64(width))]
      if place >= 0 { held[place].append(value) }
    }
    // A bin of width 1 holds equal values. A wide one with many values is divided again.
    var result = [UInt64](repeating: 0, count: ranks.count)
    for (place, values) in held.enumerated() {
      let indices = wanted.indices.filter { places[wanted[$0].bin] == place }
      let found: [UInt64]
      if values.count > 4096, width > 0 {
        let ranks = indices.map { wanted[$0].rank }
        found = values.withUnsafeBufferPointer { $0.elements(ofRanks: ranks, binCount: binCount) }
      } else {
        let ordered = width == 0 ? values : values.sorted()
        found = indices.map { ordered[wanted[$0].rank] }
      }
      for (index, value) in zip(indices, found) { result[index] = value }
    }
    return result
  }
}

extension DurationSummary {
  /// Summarizes durations in seconds.
  init(of seconds: [Double], leftOut: [LeftOutReason: Int] = [:]) {
    self.init(population: Population(n: seconds.count, leftOut: leftOut))
    if !seconds.isEmpty { set(seconds.elements(ofRanks: Self.ranks(seconds.count))) }
  }

  /// Summarizes durations in nanoseconds.
  init(ofNanoseconds durations: UnsafeBufferPointer<UInt64>, leftOut: [LeftOutReason: Int]) {
    self.init(population: Population(n: durations.count, leftOut: leftOut))
    guard !durations.isEmpty else { return }
    set(durations.elements(ofRanks: Self.ranks(durations.count), binCount: 4096).map { Double($0) / 1e9 })
  }

  private static func ranks(_ count: Int) -> [Int] {
    Statistics.middle(count) + [75, 85, 95].map { Statistics.rank($0, count) - 1 }
  }

  private mutating func set(_ found: [Double]) {
    median = Statistics.midpoint(found[0], found[1])
    (p75, p85, p95) = (found[2], found[3], found[4])
  }
}

/// Counts reasons. Rows of one kind usually have the same reason, which is then not hashed for each.
struct ReasonCounts: Sendable {
  private var counts: [LeftOutReason: Int] = [:]
  private var last: LeftOutReason?
  private var lastCount = 0

  mutating func add(_ reason: LeftOutReason) {
    if reason != last {
      flush()
      last = reason
    }
    lastCount += 1
  }

  private mutating func flush() {
    if let last, lastCount > 0 { counts[last, default: 0] += lastCount }
    lastCount = 0
  }

  /// The counts of all reasons.
  var all: [LeftOutReason: Int] {
    var copy = self
    copy.flush()
    return copy.counts
  }
}

extension Int64 {
  /// The sum of two lengths of time, or the greatest number if the sum is beyond it.
  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, isBeyond) = addingReportingOverflow(other)
    return isBeyond ? .max : sum
  }
}

/// An exact sum of durations. Unlike a sum of seconds, it does not depend on the order of the durations.
struct DurationSum: Sendable {
  private var nanoseconds: Int128 = 0

  mutating func add(nanoseconds more: Int64) { nanoseconds += Int128(more) }

  var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// The limits of a process behaviour chart: mean ± 2.66 times the mean moving range.
package struct XmRLimits: Sendable, Hashable {
  package var mean: Double
  package var meanMovingRange: Double
  package var upper: Double
  /// At least 0, because neither counts nor durations are negative.
  package var lower: Double

  /// - Parameter values: in order of time.
  /// - Returns: Nil for fewer than two values.
  package init?(_ values: [Double]) {
    guard values.count >= 2, let mean = Statistics.mean(of: values) else { return nil }
    let ranges = zip(values, values.dropFirst()).map { abs($1 - $0) }
    meanMovingRange = ranges.reduce(0, +) / Double(ranges.count)
    self.mean = mean
    upper = mean + 2.66 * meanMovingRange
    lower = max(0, mean - 2.66 * meanMovingRange)
  }

  package func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}
