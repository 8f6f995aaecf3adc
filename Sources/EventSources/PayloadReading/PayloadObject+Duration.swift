extension PayloadObject {
  /// Ten years: longer than anything that is measured takes.
  private static let longestDuration = 315_576_000.0

  /// A stretch of time in seconds. Nil for what none can be: no number, a negative one, one beyond ten years.
  ///
  /// - Parameter units: how many of the payload's units make a second.
  package func duration(_ name: StaticString, unitsPerSecond units: Double = 1) -> Double? {
    guard let number = value[name]?.double else { return nil }
    let seconds = number / units
    // Also false for what is no number.
    return seconds >= 0 && seconds <= Self.longestDuration ? seconds : nil
  }
}
