#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How often a measure, or a pair of them, is of which size, in steps of a tenth of a power of ten: what a chart of a million
/// rows can show, at the cost of its bins.
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

/// A step of sizes.
package enum SizeStep {
  package static let perPowerOfTen = 10

  /// The step of a number; nil for what is not greater than 0, which has no place on a logarithmic scale.
  package static func index(of number: Double) -> Int? {
    guard number > 0, number.isFinite else { return nil }
    // The logarithm of a bound may fall just below it.
    return Int((log10(number) * Double(perPowerOfTen) + 1e-9).rounded(.down))
  }

  /// Where a step begins, and the one before it ends.
  package static func lowerBound(of index: Int) -> Double { number(at: Double(index)) }

  /// The number at a place among the steps: at 3.5 in the middle of the step 3.
  package static func number(at place: Double) -> Double { pow(10, place / Double(perPowerOfTen)) }
}

/// A bin of a ``Tally``. Without a second measure `y` is 0.
package struct SizeBin: Hashable, Sendable {
  package var x: Int
  package var y: Int

  package init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// What one thread has counted.
struct TallyCounts {
  let tally: Tally
  private(set) var bins: [SizeBin: Int] = [:]
  /// Rows that have no place on the scale: absent, or not greater than 0.
  private(set) var others = 0

  init(_ tally: Tally) {
    self.tally = tally
  }

  mutating func count(_ batch: RowBatch) {
    let values = tally.measures.map { batch.values(of: $0) }
    for row in batch.isValid.indices where batch.isValid[row] {
      // Absent values are NaN, which is in no step.
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
