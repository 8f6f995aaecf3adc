/// Computes percentiles like the original program of 2019.
///
/// The result is the value at p percent of the count if that is a whole number, otherwise the mean of the two values
/// around it.
enum Percentile {
  /// Returns a percentile of sorted values.
  ///
  /// - Parameters:
  ///   - percent: The percentile, from 1 to 99.
  ///   - sorted: The values in ascending order, at least one.
  static func value(_ percent: Int, ofSorted sorted: some RandomAccessCollection<Double>) -> Double {
    func value(_ place: Int) -> Double {
      sorted[sorted.index(sorted.startIndex, offsetBy: max(0, min(place, sorted.count) - 1))]
    }
    let hundredfold = percent * sorted.count
    let below = hundredfold / 100
    if hundredfold % 100 == 0 || below == 0 { return value(max(1, below)) }
    return (value(below) + value(below + 1)) / 2
  }
}
