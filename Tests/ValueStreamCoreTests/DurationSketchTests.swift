import Testing
import ValueStreamCore

@Suite("Sketches of durations")
struct DurationSketchTests {
  /// Durations of very different lengths: of a bell curve, of long waits, many equal ones.
  private static func durations(_ count: Int, using random: inout SeededRandom) -> [Double] {
    (0..<count).map { _ in
      let unit = Double(random.next() % 1_000_000 + 1) / 1_000_000
      return switch random.next() % 4 {
      case 0: 60 * unit
      case 1: 0.002 / unit
      case 2: 300
      default: 3_000_000_000 * unit * unit
      }
    }
  }

  private static func sketch(_ values: [Double]) -> DurationSketch {
    var sketch = DurationSketch()
    for value in values { sketch.add(value) }
    return sketch
  }

  @Test("A percentile differs from the exact one by 1 % at most", arguments: UInt64(1)...20)
  func error(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let values = Self.durations(Int(random.next() % 400 + 1), using: &random).sorted()
    let sketch = Self.sketch(values)
    #expect(sketch.count == Int64(values.count))
    for percent in [1, 25, 50, 75, 85, 95, 99, 100] {
      let exact = values[(percent * values.count + 99) / 100 - 1]
      let found = sketch.nearestRank(percent) ?? .nan
      #expect(abs(found - exact) <= exact * DurationSketch.relativeAccuracy * 1.000_001, "p\(percent): \(found), not \(exact)")
    }
    let (low, high) = (values[(values.count - 1) / 2], values[values.count / 2])
    let exact = (low + high) / 2
    #expect(abs((sketch.median ?? .nan) - exact) <= exact * DurationSketch.relativeAccuracy * 1.000_001)
  }

  @Test("Several percentiles from one pass are the same as one by one", arguments: UInt64(1)...20)
  func quantiles(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var sketch = Self.sketch(Self.durations(Int(random.next() % 50), using: &random))
    // More may have been subtracted than was added.
    if seed % 3 == 0 { sketch.subtract(Self.sketch(Self.durations(3, using: &random))) }
    let found = sketch.quantiles([75, 85, 95, 100])
    #expect(found?.median == sketch.median)
    #expect(found?.values == (sketch.median == nil ? nil : [75, 85, 95, 100].compactMap { sketch.nearestRank($0) }))
  }

  @Test("The sum of sketches is the sketch of the union, in any order, and subtracting one undoes it", arguments: UInt64(1)...20)
  func sums(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let parts = (0..<4).map { _ in Self.durations(Int(random.next() % 100), using: &random) }
    var sum = DurationSketch()
    for part in parts.shuffled(using: &random) { sum.merge(Self.sketch(part)) }
    #expect(sum == Self.sketch(parts.flatMap { $0 }))
    sum.subtract(Self.sketch(parts[1]))
    #expect(sum == Self.sketch(parts[0] + parts[2] + parts[3]))
    // A correction may come before what it corrects.
    var early = DurationSketch()
    early.subtract(Self.sketch(parts[1]))
    early.merge(sum)
    early.merge(Self.sketch(parts[1]))
    #expect(early == sum)
    #expect(sum.entries.allSatisfy { $0.count != 0 })
    #expect(zip(sum.entries, sum.entries.dropFirst()).allSatisfy { $0.bucket < $1.bucket })
  }

  @Test("No duration is out of range")
  func extremes() {
    for seconds in [-1, -.infinity, .nan, 0, 0.001] { #expect(DurationSketch.bucket(of: seconds) == 0) }
    for seconds in [.infinity, 1e300] { #expect(DurationSketch.bucket(of: seconds) == DurationSketch.lastBucket) }
    #expect(DurationSketch.seconds(of: .max) == DurationSketch.seconds(of: DurationSketch.lastBucket))
    #expect(DurationSketch().median == nil && DurationSketch().nearestRank(95) == nil)
    var sketch = DurationSketch()
    sketch.add(0)
    #expect(sketch.median == 0)
    sketch.add(5, count: -3)
    #expect(sketch.nearestRank(50) == nil, "more is subtracted than there is")
  }

  @Test("The bounds of the buckets are part of the stored format")
  func format() {
    #expect([0.002, 1, 60, 3600, 86_400, 31_536_000].map { DurationSketch.bucket(of: $0) } == [35, 346, 551, 755, 914, 1209])
    #expect(DurationSketch.lastBucket == 1439)
  }
}
