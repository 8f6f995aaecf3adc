/// Percentiles and medians as reports define them.
package enum Statistics {
  /// The midpoint of the two middle values. Nil without values.
  ///
  /// Reorders the values.
  package static func median(_ values: inout [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let middle = values.count / 2
    let upper = values.element(ofRank: middle, in: 0..<values.count)
    if values.count % 2 == 1 { return upper }
    // All values before the middle are at most `upper`.
    let lower = values[..<middle].max() ?? upper
    return lower + (upper - lower) / 2
  }

  package static func median(of values: [Double]) -> Double? {
    var values = values
    return median(&values)
  }

  /// The value of nearest rank, ⌈p·n⌉. Nil without values.
  ///
  /// Reorders the values.
  ///
  /// - Parameter percent: from 0 to 100. 0 gives the least value.
  package static func nearestRank(_ percent: Int, _ values: inout [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    return values.element(ofRank: rank(percent, values.count) - 1, in: 0..<values.count)
  }

  package static func nearestRank(_ percent: Int, of values: [Double]) -> Double? {
    var values = values
    return nearestRank(percent, &values)
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
  /// Returns the element that would stand at `rank` if the range were sorted, and reorders the range around it.
  ///
  /// Takes time proportional to the length of the range.
  fileprivate mutating func element(ofRank rank: Int, in range: Range<Int>) -> Double {
    withUnsafeMutableBufferPointer { values in
      var (low, high) = (range.lowerBound, range.upperBound - 1)
      while low < high {
        let pivot = Self.medianOfThree(values[low], values[low + (high - low) / 2], values[high])
        var (left, right) = (low, high)
        while left <= right {
          while values[left] < pivot { left += 1 }
          while pivot < values[right] { right -= 1 }
          if left <= right {
            values.swapAt(left, right)
            left += 1
            right -= 1
          }
        }
        if rank <= right {
          high = right
        } else if rank >= left {
          low = left
        } else {
          break
        }
      }
      return values[rank]
    }
  }

  private static func medianOfThree(_ a: Double, _ b: Double, _ c: Double) -> Double {
    a < b ? (b < c ? b : Swift.max(a, c)) : (a < c ? a : Swift.max(b, c))
  }
}

extension DurationSummary {
  /// Summarizes durations in seconds. Reorders them.
  init(_ seconds: inout [Double], leftOut: [LeftOutReason: Int] = [:]) {
    self.init(population: Population(n: seconds.count, leftOut: leftOut))
    p95 = Statistics.nearestRank(95, &seconds)
    p85 = Statistics.nearestRank(85, &seconds)
    p75 = Statistics.nearestRank(75, &seconds)
    median = Statistics.median(&seconds)
  }

  init(of seconds: [Double], leftOut: [LeftOutReason: Int] = [:]) {
    var seconds = seconds
    self.init(&seconds, leftOut: leftOut)
  }
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
