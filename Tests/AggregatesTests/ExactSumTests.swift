import Testing
import ValueStreamCore

@testable import Aggregates

@Suite("Exact sums")
struct ExactSumTests {
  @Test(
    "are the double nearest to the sum",
    arguments: [
      ([], 0), ([1, 2, 3], 6), ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 1), ([1e100, 1, -1e100], 1),
      ([0x1p53, 1], 0x1p53), ([0x1p53, 1, 0x1p-1074], 0x1p53 + 2), ([0x1p53, 3], 0x1p53 + 4),
      ([-0x1p53, -1, -0x1p-80], -0x1p53 - 2),
      ([0x1p-1074, 0x1p-1074], 0x1p-1073), ([0x1p-1022, -0x1p-1074], 0x1p-1022 - 0x1p-1074),
      ([.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 5], 5), ([0x1p51, 0x1p51, 0x1p51, 0.25], 0x1.8p52 + 0.25),
      ([1e15, 1e15, 1e15, -3e15, 1e-9], 1e-9), ([-2.5, 2.5], 0), ([.nan, .infinity, 7], 7),
    ] as [([Double], Double)])
  func known(values: [Double], sum: Double) {
    var exact = ExactSum()
    for value in values { exact.add(value) }
    #expect(exact.value == sum)
  }

  @Test("do not depend on order or partition, and agree with another method", arguments: 0..<50 as Range<UInt64>)
  func anyOrder(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let spread = [3, 60, 300][Int(seed % 3)]
    var values = (0..<200).map { _ in
      Double.random(in: -1...1, using: &random)
        * Double(sign: .plus, exponent: Int.random(in: -spread...spread, using: &random), significand: 1)
    }
    let expected = Self.shewchukSum(values)
    values.shuffle(using: &random)
    var (left, right) = (ExactSum(), ExactSum())
    for value in values {
      if random.oneIn(3) { left.add(value) } else { right.add(value) }
    }
    left.add(right)
    #expect(left.value == expected)
  }

  @Test("runs of usual numbers add up to the same", arguments: 0..<50 as Range<UInt64>)
  func runs(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    // Beyond the exponents that a run takes, on both sides.
    let exponents = [-26 ... -22, 0...0, 38...42, -1074...1023][Int(seed % 4)]
    let values = (0..<ExactSum.Near.greatestCount).map { _ in
      let significand = seed < 4 ? 2.0.nextDown : Double.random(in: 1..<2, using: &random)
      let value = Double(sign: .plus, exponent: Int.random(in: exponents, using: &random), significand: significand)
      return random.oneIn(20) ? [-value, 0, .nan, .infinity].randomElement(using: &random) ?? 0 : value
    }
    var (each, runs, near) = (ExactSum(), ExactSum(), ExactSum.Near())
    for value in values {
      each.add(value)
      if !near.add(value) { runs.add(value) }
    }
    runs.add(near)
    #expect(runs.value == each.value)
  }

  /// Sums exactly with non-overlapping partial sums (Shewchuk, 1997) and rounds once at the end.
  private static func shewchukSum(_ values: [Double]) -> Double {
    var partials: [Double] = []
    for value in values {
      var value = value
      var kept: [Double] = []
      for partial in partials {
        let (large, small) = abs(value) < abs(partial) ? (partial, value) : (value, partial)
        let high = large + small
        let low = small - (high - large)
        if low != 0 { kept.append(low) }
        value = high
      }
      partials = kept + [value]
    }
    guard var high = partials.popLast() else { return 0 }
    var low = 0.0
    while let next = partials.popLast() {
      let sum = high + next
      low = next - (sum - high)
      high = sum
      if low != 0 { break }
    }
    // The next smaller partial sum decides how to round a half-way case.
    if let next = partials.last, low < 0 && next < 0 || low > 0 && next > 0 {
      let doubled = low * 2
      if doubled == (high + doubled) - high { high += doubled }
    }
    return high
  }
}
