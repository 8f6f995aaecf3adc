import Testing
import ValueStreamCore

@testable import DeliveryMetrics

@Suite struct StatisticsTests {
  @Test("The median is the midpoint of the two middle values")
  func median() {
    #expect(Statistics.median(of: []) == nil)
    #expect(Statistics.median(of: [3]) == 3)
    #expect(Statistics.median(of: [4, 1]) == 2.5)
    #expect(Statistics.median(of: [9, 1, 5]) == 5)
  }

  @Test("Other percentiles are values that occur, by nearest rank")
  func nearestRank() {
    #expect(Statistics.nearestRank(75, of: []) == nil)
    #expect(Statistics.nearestRank(0, of: [1, 2, 3, 4, 5]) == 1)
    #expect(Statistics.nearestRank(30, of: [5, 4, 3, 2, 1]) == 2)
    #expect(Statistics.nearestRank(40, of: [5, 4, 3, 2, 1]) == 2)
    #expect(Statistics.nearestRank(100, of: [1, 2, 3, 4, 5]) == 5)
    #expect(Statistics.nearestRank(95, of: (1...100).map { Double($0) }) == 95)
  }

  @Test("Selecting gives what sorting gives", arguments: 0..<60)
  func selection(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let values = (0..<Int.random(in: 1...200, using: &random)).map { _ in Double(Int.random(in: 0...30, using: &random)) }
    let sorted = values.sorted()
    for percent in [1, 25, 50, 75, 85, 95, 99] {
      let rank = Int((Double(percent * values.count) / 100).rounded(.up))
      #expect(Statistics.nearestRank(percent, of: values) == sorted[rank - 1])
    }
    let middle = sorted.count / 2
    let median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    #expect(Statistics.median(of: values) == median)
  }

  @Test("Selecting from many values gives what sorting gives, however they are distributed", arguments: 0..<12)
  func selectionOfMany(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let values = (0..<Int.random(in: 250...15_000, using: &random)).map { _ -> Double in
      let unit = Double.random(in: 0..<1, using: &random)
      return switch seed % 6 {
      case 0: unit
      case 1: 7
      case 2: unit < 0.9 ? 60 : 60 + unit * 1e-9
      case 3: (unit - 0.5) * 1e12
      case 4: 0.001 / (unit + 1e-12)
      // Nearly all in one place, and one far away.
      default: unit < 0.001 ? 1e300 : 1 + (unit * 1000).rounded() / 1e12
      }
    }
    let sorted = values.sorted()
    let percents = [0, 1, 50, 75, 85, 95, 100]
    #expect(Statistics.nearestRanks(percents, of: values) == percents.map { sorted[Statistics.rank($0, values.count) - 1] })
    let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
    #expect(Statistics.median(of: values) == low + (high - low) / 2)
  }

  @Test("The first elements of many are those of the sorted list", arguments: 1...8)
  func firstElements(limit: Int) throws {
    var random = SeededRandom(seed: UInt64(limit))
    let values = (0..<5000).map { _ in Int.random(in: 0...9000, using: &random) }
    for limit in [limit, limit * 300] {
      var first = FirstElements<Int>(limit, by: <)
      for (index, value) in values.enumerated() {
        if index == limit { #expect(first.result == (values.prefix(limit).sorted(), false)) }
        first.add(value)
      }
      #expect(first.result == (Array(values.sorted().prefix(limit)), true))
    }
  }

  @Test("Limits are the mean ± 2.66 mean moving ranges, of two values at least, and never negative")
  func limits() throws {
    #expect(XmRLimits([]) == nil)
    #expect(XmRLimits([5]) == nil)
    let limits = try #require(XmRLimits([10, 20, 30, 40]))
    #expect((limits.mean, limits.meanMovingRange, limits.lower) == (25, 10, 0))
    #expect(abs(limits.upper - 51.6) < 1e-9)
    #expect(limits.contains(51) && !limits.contains(52))
  }

  @Test("Durations in nanoseconds have the summary of those in seconds", arguments: 0..<6)
  func nanoseconds(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let count = Int.random(in: 0...2000, using: &random)
    let durations = (0..<count).map { _ in UInt64.random(in: 0...90_000_000_000_000, using: &random) }
    let summary = durations.withUnsafeBufferPointer { DurationSummary(ofNanoseconds: $0, leftOut: [.clock: 3]) }
    #expect(summary == DurationSummary(of: durations.map { Double($0) / 1e9 }, leftOut: [.clock: 3]))
  }

  @Test("Reasons count in any order")
  func reasons() {
    var counts = ReasonCounts()
    #expect(counts.all.isEmpty)
    for reason in [.clock, .clock, .readyUnknown, .clock, .excluded, .excluded] as [LeftOutReason] { counts.add(reason) }
    #expect(counts.all == [.clock: 3, .readyUnknown: 1, .excluded: 2])
  }

  @Test("The quick check leaves out what is unknown")
  func quickCheck() {
    let check = QuickCheck(
      leadTimeSeconds: 3 * day, releasesPerDay: 1.0 / 14, recoverySeconds: 5 * hour, changeFailRatio: 0.2, reworkRatio: 0.1)
    #expect(check.leadTime == 6)
    #expect(check.deploymentFrequency == 4)
    #expect(check.recoveryTime == 8)
    #expect((check.throughput, check.stability, check.overall) == (6, 8.5, 7))
    let part = QuickCheck(
      leadTimeSeconds: nil, releasesPerDay: 30, recoverySeconds: nil, changeFailRatio: nil, reworkRatio: 0.5)
    #expect((part.throughput, part.stability, part.overall) == (10, 5, 7.5))
  }

  @Test("Bands of 2023 compare unrounded values")
  func bands() {
    #expect(Band2023(leadTimeSeconds: day - 1) == .elite)
    #expect(Band2023(leadTimeSeconds: day) == .high)
    #expect(Band2023(leadTimeSeconds: 29 * day) == .medium)
    #expect(Band2023(leadTimeSeconds: 31 * day) == .low)
    #expect([0.05, 0.0501, 0.1501].map { Band2023(changeFailRatio: $0) } == [.elite, .high, .low])
    #expect(Band2023(recoverySeconds: 3599.9) == .elite)
    #expect(Band2023(recoverySeconds: 8 * day) == .low)
  }
}
