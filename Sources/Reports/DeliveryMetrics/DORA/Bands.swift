extension Band2023 {
  private static let day = 86_400.0

  package init(leadTimeSeconds seconds: Double) {
    self = seconds < Self.day ? .elite : seconds < 7 * Self.day ? .high : seconds < 30 * Self.day ? .medium : .low
  }

  package init(changeFailRatio ratio: Double) {
    self = ratio <= 0.05 ? .elite : ratio <= 0.10 ? .high : ratio <= 0.15 ? .medium : .low
  }

  package init(recoverySeconds seconds: Double) {
    self = seconds < 3600 ? .elite : seconds < Self.day ? .high : seconds < 7 * Self.day ? .medium : .low
  }
}

/// The scores of DORA's quick check of 2025, from 0 to 10.
///
/// Source: dora.dev, `svelte/quick-check/src/lib/data-service.ts`. Unlike there, what is unknown counts neither as the best
/// nor as the worst answer.
package struct QuickCheck: Sendable, Hashable {
  package var leadTime: Double?
  package var deploymentFrequency: Double?
  package var recoveryTime: Double?
  package var changeFailRate: Double?
  package var reworkRate: Double?

  /// - Parameters:
  ///   - releasesPerDay: Nil if unknown.
  ///   - changeFailRatio: From 0 to 1.
  package init(
    leadTimeSeconds: Double? = nil, releasesPerDay: Double? = nil, recoverySeconds: Double? = nil,
    changeFailRatio: Double? = nil, reworkRatio: Double? = nil
  ) {
    leadTime = leadTimeSeconds.map { Self.score(answer: Self.answer(seconds: $0)) }
    deploymentFrequency = releasesPerDay.map { Self.score(answer: Self.answer(perDay: $0)) }
    recoveryTime = recoverySeconds.map { Self.score(answer: Self.answer(seconds: $0)) }
    changeFailRate = changeFailRatio.map { Self.score(percent: $0 * 100) }
    reworkRate = reworkRatio.map { Self.score(percent: $0 * 100) }
  }

  package init(
    leadTime: Double?, deploymentFrequency: Double?, recoveryTime: Double?, changeFailRate: Double?, reworkRate: Double?
  ) {
    self.leadTime = leadTime
    self.deploymentFrequency = deploymentFrequency
    self.recoveryTime = recoveryTime
    self.changeFailRate = changeFailRate
    self.reworkRate = reworkRate
  }

  /// The mean of what is known of lead time, frequency and recovery time.
  package var throughput: Double? { Self.mean([leadTime, deploymentFrequency, recoveryTime]) }
  /// The mean of what is known of change fail rate and rework rate.
  package var stability: Double? { Self.mean([changeFailRate, reworkRate]) }
  /// The mean of all that is known.
  package var overall: Double? { Self.mean([leadTime, deploymentFrequency, recoveryTime, changeFailRate, reworkRate]) }

  private static func mean(_ scores: [Double?]) -> Double? {
    let known = scores.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  /// Answers go from 1, the worst, to 6.
  package static func score(answer: Double) -> Double { (answer - 1) / 5 * 10 }

  package static func score(percent: Double) -> Double { min(max(10 - percent / 10, 0), 10) }

  private static let day = 86_400.0

  /// The answer for a lead time or recovery time: 6 for less than an hour.
  package static func answer(seconds: Double) -> Double {
    switch seconds {
    case ..<3600: 6
    case ..<day: 5
    case ..<(7 * day): 4
    case ..<(30 * day): 3
    case ..<(182.5 * day): 2
    default: 1
    }
  }

  /// The answer for a frequency: 6 for more than one release an hour.
  package static func answer(perDay: Double) -> Double {
    if perDay > 24 { return 6 }
    if perDay >= 1 { return 5 }
    if perDay >= 1.0 / 7 { return 4 }
    if perDay >= 1.0 / 30 { return 3 }
    return perDay >= 1.0 / 182.5 ? 2 : 1
  }

  /// The means of all industries in 2025 as stored there, inverted where less is better.
  package static let allIndustries2025 = QuickCheck(
    leadTime: 5.5, deploymentFrequency: 4.8, recoveryTime: 7.4, changeFailRate: 8.1, reworkRate: 7.8)
}
