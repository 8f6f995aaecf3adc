#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A histogram of one measure, or of a pair of measures, with ten logarithmic bins per power of ten.
///
/// A chart can show a million rows this way, with memory for the bins only.
package enum Tally: Hashable, Sendable {
  case distribution(Measure)
  case scatter(x: Measure, y: Measure)

  var measures: [Measure] {
    switch self {
    case .distribution(let measure): [measure]
    case .scatter(let x, let y): [x, y]
    }
  }
}

/// The bins of a logarithmic scale, numbered by ``index(of:)``.
package enum SizeStep {
  package static let perPowerOfTen = 10

  /// Returns the bin of a number; nil if the number is not finite or not greater than 0.
  package static func index(of number: Double) -> Int? {
    guard number > 0, number.isFinite else { return nil }
    // Rounding may put the logarithm of a bound just below it.
    return Int((log10(number) * Double(perPowerOfTen) + 1e-9).rounded(.down))
  }

  /// Returns the lower bound of a bin, which is the upper bound of the bin before it.
  package static func lowerBound(of index: Int) -> Double { number(at: Double(index)) }

  /// Returns the number at a position on the scale. Position 3.5, for example, is the middle of bin 3.
  package static func number(at place: Double) -> Double { pow(10, place / Double(perPowerOfTen)) }
}

/// A bin of a ``Tally``. `y` is 0 if there is only one measure.
package struct SizeBin: Hashable, Sendable {
  package var x: Int
  package var y: Int

  package init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// The counts of one thread.
struct TallyCounts {
  let tally: Tally
  private(set) var bins: [SizeBin: Int] = [:]
  /// The number of rows without a place on the scale: a measure is absent or not greater than 0.
  private(set) var others = 0

  init(_ tally: Tally) {
    self.tally = tally
  }

  mutating func count(_ batch: RowBatch) {
    let values = tally.measures.map { batch.values(of: $0) }
    for row in batch.isValid.indices where batch.isValid[row] {
      // Absent values are NaN, which has no bin.
      let steps = values.map { SizeStep.index(of: $0[row]) }
      guard let x = steps[0], let y = steps.count > 1 ? steps[1] : 0 else {
        others += 1
        continue
      }
      bins[SizeBin(x: x, y: y), default: 0] += 1
    }
  }

  mutating func add(_ other: TallyCounts) {
    bins.merge(other.bins) { $0 + $1 }
    others += other.others
  }
}
