/// Percentiles as the program of 2019 computes them: the value at p percent of the count where that is whole, else the mean of
/// the values on both sides of it.
enum Percentile {
  /// - Parameters:
  ///   - percent: from 1 to 99.
  ///   - sorted: at least one value.
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
